/** CLOSEOUT_BRANDS: a folder with a folder per brand, each with a `brand.yaml` and, if it has words of its own, `texts.CODE.yaml`. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { z } from 'zod';
import { domainOf } from '../contract/contact.js';
import { CloseoutError } from '../contract/errors.js';
import { isLoopback } from '../contract/loopback.js';
import { backgrounds, Brands, builtInBrand, contrast, type Brand } from '../customer/brand.js';
import { isLanguage, languageCodes, textsOf } from '../customer/texts.js';
import { readCatalogue, type Fault, type Texts } from '../customer/texts/catalogue.js';
import type { Config } from './config.js';
import { mailbox } from './mailbox.js';
import { pathOf, reasonOf } from './reason.js';
import { parseYaml } from './yaml-file.js';

const logoTypes: Record<string, string> = { '.svg': 'image/svg+xml', '.png': 'image/png' };
const maxLogoSize = 200 * 1024;
const minContrast = 4.5;

const colour = z.string().regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour as #rrggbb');
const oneLine = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\r\n]*$/, 'must be one line');

const rootAddress = 'must be an address without a path, such as https://care.example';
const isRoot = (address: string) => /^https?:\/\/[^/?#]+\/?$/.test(address);

const file = z.strictObject({
  name: oneLine,
  logo: oneLine.optional(),
  colours: z.strictObject({ accent: colour, accentDark: colour }).optional(),
  footer: z.array(oneLine).min(1, 'must have at least one line'),
  contact: z
    .string()
    .regex(/^(https:\/\/|mailto:|tel:)\S+$/, 'must begin with https://, mailto: or tel:')
    .optional(),
  from: mailbox.optional(),
  replyTo: mailbox.optional(),
  publicUrl: z
    .url({ protocol: /^https?$/, error: rootAddress })
    .refine(isRoot, rootAddress)
    .optional(),
});

/** A fault in a file of a brand. */
export interface BrandFault extends Fault {
  file: string;
}

/** Throws `BadSetting` with the first fault, its file and its line. */
export function loadBrands({ brandsDir, mail, http }: Pick<Config, 'brandsDir' | 'mail' | 'http'>): Brands {
  const builtIn = builtInBrand({ from: mail.from, replyTo: mail.replyTo, publicUrl: http.publicUrl });
  if (brandsDir === undefined) return new Brands(builtIn);
  const { brands, faults } = readBrands(brandsDir, builtIn);
  const [fault] = faults;
  if (fault) throw new CloseoutError('BadSetting', `CLOSEOUT_BRANDS ${inWords(fault)}`, 'CLOSEOUT_BRANDS');
  return new Brands(builtIn, new Map(brands.map((brand) => [brand.id, brand])));
}

export const inWords = ({ file: name, line, message }: BrandFault): string => `${name}, line ${line}: ${message}`;

/** Reads every brand of a folder, and everything that is wrong with them. */
export function readBrands(folder: string, builtIn: Brand): { brands: Brand[]; faults: BrandFault[] } {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    return { brands: [], faults: [{ file: folder, line: 1, message: 'There is no such folder.' }] };
  const ids = readdirSync(folder).filter((name) => !name.startsWith('.') && statSync(join(folder, name)).isDirectory());
  const read = ids.sort().map((id) => readBrand(join(folder, id), id, builtIn));
  return { brands: read.flatMap(({ brand }) => brand ?? []), faults: read.flatMap(({ faults }) => faults) };
}

function readBrand(folder: string, id: string, builtIn: Brand): { brand?: Brand; faults: BrandFault[] } {
  const path = join(folder, 'brand.yaml');
  if (!/^[a-z0-9][a-z0-9-]{0,40}$/.test(id) || id === builtIn.id)
    return {
      faults: [
        {
          file: folder,
          line: 1,
          message: `The folder must be named with lower-case letters, digits and "-", and not "${builtIn.id}".`,
        },
      ],
    };
  if (!existsSync(path)) return { faults: [{ file: path, line: 1, message: 'There is no such file.' }] };
  const { settings, faults } = readSettings(path, builtIn);
  const { texts, faults: inTexts } = readTexts(folder);
  faults.push(...inTexts);
  if (!settings) return { faults };
  const { name, footer, contact, logo, colours = builtIn.colours, from, replyTo, publicUrl } = settings;
  const sender = {
    from: from ?? builtIn.sender.from,
    replyTo: replyTo ?? from ?? builtIn.sender.replyTo,
    publicUrl: publicUrl?.replace(/\/$/, '') ?? builtIn.sender.publicUrl,
  };
  const reached = contact ?? builtInBrand(sender).contact;
  const image = logo === undefined ? undefined : readLogo(join(folder, logo));
  if (typeof image === 'string') faults.push({ file: path, line: 1, message: image });
  const shown = typeof image === 'string' ? undefined : image;
  return { brand: { id, name, footer, contact: reached, logo: shown, colours, sender, texts }, faults };
}

function readSettings(path: string, builtIn: Brand): { settings?: z.infer<typeof file>; faults: BrandFault[] } {
  const { document, broken, lineOf: found } = parseYaml(readFileSync(path, 'utf8'));
  const lineOf = (keys: readonly PropertyKey[]): number => found(keys) ?? 1;
  if (broken) return { faults: [{ file: path, line: broken.line ?? 1, message: broken.message }] };
  const parsed = file.safeParse(document.toJS() ?? {});
  if (!parsed.success)
    return {
      faults: parsed.error.issues.map((issue) => {
        const keys = pathOf(issue);
        const words = issue.code === 'unrecognized_keys' ? 'is not a setting of a brand' : reasonOf(issue);
        return {
          file: path,
          line: lineOf(keys),
          message: `${keys.join('.')} ${words}.`,
        };
      }),
    };
  const given = parsed.data;
  return {
    settings: given,
    faults: [...contrastFaults(given, path, lineOf), ...reachFaults(given, builtIn, path, lineOf)],
  };
}

/** As for the general settings: mails that leave this machine carry no links to it, and no sender that nobody reads. */
function reachFaults(
  { publicUrl, from }: z.infer<typeof file>,
  { sender }: Brand,
  path: string,
  lineOf: (keys: string[]) => number,
): BrandFault[] {
  if (isLoopback(sender.publicUrl)) return [];
  const faults: BrandFault[] = [];
  if (publicUrl !== undefined && isLoopback(publicUrl)) {
    const message = 'publicUrl must be an address at which customers reach the gateway, as CLOSEOUT_PUBLIC_URL is.';
    faults.push({ file: path, line: lineOf(['publicUrl']), message });
  }
  if (from !== undefined && domainOf(from) === 'closeout.example') {
    const message = 'from must be an address of yours that customers may reply to.';
    faults.push({ file: path, line: lineOf(['from']), message });
  }
  return faults;
}

function contrastFaults(
  { colours }: z.infer<typeof file>,
  path: string,
  lineOf: (keys: string[]) => number,
): BrandFault[] {
  if (!colours) return [];
  const pairs = [
    ['accent', colours.accent, backgrounds.light],
    ['accentDark', colours.accentDark, backgrounds.dark],
  ] as const;
  return pairs.flatMap(([name, given, background]) => {
    const ratio = contrast(given, background);
    if (ratio >= minContrast) return [];
    const message = `colours.${name} has a contrast of ${ratio.toFixed(1)}:1 against the page (${background}); at least ${minContrast}:1 is needed.`;
    return [{ file: path, line: lineOf(['colours', name]), message }];
  });
}

function readTexts(folder: string): { texts: Map<string, Texts>; faults: BrandFault[] } {
  const texts = new Map<string, Texts>();
  const faults: BrandFault[] = [];
  for (const name of readdirSync(folder)) {
    const code = /^texts\.(.+)\.yaml$/.exec(name)?.[1];
    if (code === undefined) continue;
    const path = join(folder, name);
    if (!isLanguage(code)) {
      faults.push({
        file: path,
        line: 1,
        message: `There is no language ${code}; there are ${languageCodes.join(', ')}.`,
      });
      continue;
    }
    const catalogue = readCatalogue(path, textsOf(code));
    texts.set(code, catalogue.texts);
    faults.push(...catalogue.faults.map((fault) => ({ file: path, ...fault })));
  }
  return { texts, faults };
}

/** Returns what is wrong with it, in words, if anything is. */
function readLogo(path: string): Brand['logo'] | string {
  const type = logoTypes[extname(path)];
  if (type === undefined) return `logo must be an .svg or .png file, not ${path}.`;
  if (!existsSync(path)) return `logo ${path} does not exist.`;
  const data = readFileSync(path);
  return data.length <= maxLogoSize ? { data, type } : `logo ${path} is larger than 200 KB.`;
}
