/** Environment variables, as they are meant. */

/** Those with a value; blanks are none, as of an empty file. `docker run --env-file` and `kubectl` keep the quotes around it that a shell needs. */
export function givenIn(env: NodeJS.ProcessEnv): Record<string, string> {
  const unquote = (value: string) => value.replace(/^(["'])(.*)\1$/, '$2');
  const unquoted = Object.entries(env).map(([name, value = '']): [string, string] => [name, unquote(value)]);
  return Object.fromEntries(unquoted.filter(([, value]) => value.trim() !== ''));
}
