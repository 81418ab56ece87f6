import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares in constant time, so that the duration reveals nothing about the token. */
export const isSameToken = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
