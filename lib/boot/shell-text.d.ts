/** Shell scripts are imported as text, and so are part of a compiled executable. */
declare module "*.sh" {
  const text: string;
  export default text;
}
