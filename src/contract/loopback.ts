/** This machine, by its usual names. */

/** `host`: a name, or an address as URLs or sockets write it. */
export const isLoopbackHost = (host: string): boolean =>
  /^(localhost|(::ffff:)?127(\.\d{1,3}){3}|::1|\[::1\])$/.test(host);

/** Whether a URL leads to this machine. */
export const isLoopback = (url: string): boolean => URL.canParse(url) && isLoopbackHost(new URL(url).hostname);
