// Prints the paths of Terraform files that `terraform fmt` would change: format.mjs FILE…
// The formatter is the one of HashiCorp's HCL library, as WebAssembly.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { format } = createRequire(`${process.env.RUTTER_DEPLOY_HOME}/`)("@cdktf/hcl-tools");
for (const path of process.argv.slice(2)) {
  const text = readFileSync(path, "utf8");
  if ((await format(text)) !== text) console.log(path);
}
// The WebAssembly runtime keeps the process alive.
process.exit(0);
