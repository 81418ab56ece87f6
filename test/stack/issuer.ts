/** A real OpenID Connect provider on this machine: `oidc-provider`, with its own pages. It is an ES module, so it has a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Whoever logs in is who they say; the roles are what follows the name: `eve-operator`. */
const program = `
  import Provider from 'oidc-provider';
  const [port, ...callbacks] = process.argv.slice(1);
  const provider = new Provider('http://127.0.0.1:' + port, {
    clients: [{ client_id: 'closeout', client_secret: 'a-secret-of-the-client', redirect_uris: callbacks }],
    claims: { openid: ['sub'], profile: ['preferred_username', 'roles'] },
    findAccount: (_, id) => {
      const [name, ...roles] = id.split('-');
      return { accountId: id, claims: () => ({ sub: id, preferred_username: name, roles }) };
    },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['a-key-of-the-issuer'] },
  });
  provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
`;

export interface Issuer {
  url: string;
  stop: () => Promise<void>;
}

export async function startIssuer(port: number, ...callbacks: string[]): Promise<Issuer> {
  const args = ['--input-type=module', '--eval', program, `${port}`, ...callbacks];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      if (child.kill()) await once(child, 'exit'); // or it has ended
    },
  };
}
