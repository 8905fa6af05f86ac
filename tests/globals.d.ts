// What a test puts into its page, and what only the edge's runtime has.
interface Window {
  [name: string]: any;
}
declare module "cloudflare:workers";
declare const FixedLengthStream: any;
