export default async function teardown() {
  await globalThis.browser?.close();
}
