// Bundles src/ into ../static/player.js, and quiz/, draw/ and by_hand/ (with what they take from
// src/) into a file each beside it. The first line of each carries a hash of everything it
// was made from, so that a test can tell, without Node, whether the bundle is up to date.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { build } from "esbuild";

const inside = (folder) => readdirSync(folder).sort().map((name) => `${folder}/${name}`);

async function bundle(name, folder, others, said) {
  const hash = createHash("sha256");
  for (const file of ["package.json", ...inside(folder), ...others]) {
    hash.update(`${file}\n`).update(readFileSync(file));
  }
  await build({
    entryPoints: [`${folder}/index.js`],
    outfile: `../static/${name}.js`,
    bundle: true,
    format: "esm",
    target: "es2020",
    minify: true,
    legalComments: "none",
    banner: { js: `/* maml_edu ${name}; sources sha256 ${hash.digest("hex")}${said} */` },
  });
}

await bundle("player", "src", [], "; d3: player.js.LICENSE.txt");
await bundle("quiz", "quiz", ["src/dom.js"], "");
await bundle("draw", "draw", inside("src"), "; d3: player.js.LICENSE.txt");
await bundle("by_hand", "by_hand", inside("src"), "; d3: player.js.LICENSE.txt");
