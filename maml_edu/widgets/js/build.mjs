// Bundles src/ into ../static/player.js. Its first line carries a hash of everything it was made
// from, so that a test can tell, without Node, whether the bundle is up to date.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { build } from "esbuild";

const sources = ["package.json", ...readdirSync("src").sort().map((name) => `src/${name}`)];
const hash = createHash("sha256");
for (const name of sources) hash.update(`${name}\n`).update(readFileSync(name));

await build({
  entryPoints: ["src/index.js"],
  outfile: "../static/player.js",
  bundle: true,
  format: "esm",
  target: "es2020",
  minify: true,
  legalComments: "none",
  banner: { js: `/* maml_edu player; sources sha256 ${hash.digest("hex")}; d3: player.js.LICENSE.txt */` },
});
