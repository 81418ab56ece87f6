/** Environment variables, as they are meant. */

/** Those with a value. `docker run --env-file` and `kubectl` keep the quotes around it that a shell needs. */
export function givenIn(env: NodeJS.ProcessEnv): Record<string, string> {
  const unquoted = Object.entries(env).map(([name, value = '']) => [name, value.replace(/^(["'])(.*)\1$/, '$2')]);
  return Object.fromEntries(unquoted.filter(([, value]) => value !== '')) as Record<string, string>;
}
