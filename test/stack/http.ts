/** Sends a page's form, as a browser does. */
export function post(
  link: string,
  form: Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
) {
  const address = link.replace(/\?.*/, '');
  return fetch(address, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' });
}
