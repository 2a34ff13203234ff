/**
 * Unpacks the headless Chromium that the npm package `@sparticuz/chromium` carries into `.browser/` of the checkout
 * and prints the path of the command that starts it. Needs no root and no system library: the command sets the paths of
 * the libraries and fonts that come along, so that the same browser runs on every machine.
 *
 * `TAPEWATCH_BROWSER=/path/to/chromium` names another one, which is printed instead.
 */
import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';

import { extract } from 'tar-fs';

const require = createRequire(import.meta.url);
const packed = join(dirname(require.resolve('@sparticuz/chromium')), '..', 'bin');
const { version } = JSON.parse(await readFile(join(packed, '..', 'package.json'), 'utf8'));
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.browser');

const FONTS = (folder) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${folder}/font-cache</cachedir>
</fontconfig>
`;

const COMMAND = (folder) => `#!/bin/sh
export LD_LIBRARY_PATH="${folder}/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export FONTCONFIG_FILE="${folder}/fonts.conf"
exec "${folder}/chromium-bin" "$@"
`;

/** Decompresses one file of the package to `target`: a folder for a tar, else a file. */
async function unpack(name, target) {
  const source = createReadStream(join(packed, name));
  const sink = name.endsWith('.tar.br') ? extract(target) : createWriteStream(target, { mode: 0o755 });
  await pipeline(source, createBrotliDecompress({ chunkSize: 2 ** 21 }), sink);
}

/** Puts a whole new `.browser/` in place at once, so that an interrupted unpacking is never taken for a finished one. */
async function install() {
  const fresh = `${root}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  await Promise.all([
    unpack('chromium.br', join(fresh, 'chromium-bin')),
    unpack('swiftshader.tar.br', fresh),
    unpack('al2023.tar.br', fresh),
    unpack('fonts.tar.br', fresh),
  ]);
  await writeFile(join(fresh, 'fonts.conf'), FONTS(root));
  await writeFile(join(fresh, 'chromium'), COMMAND(root));
  await chmod(join(fresh, 'chromium'), 0o755);
  await writeFile(join(fresh, 'version'), version);
  await rm(root, { recursive: true, force: true });
  await rename(fresh, root);
}

async function main() {
  if (process.env.TAPEWATCH_BROWSER) {
    console.log(process.env.TAPEWATCH_BROWSER);
    return;
  }
  const marker = join(root, 'version');
  const command = join(root, 'chromium');
  const isCurrent = existsSync(marker) && (await readFile(marker, 'utf8')) === version;
  // A checkout that was moved leaves a command with the old paths: unpack again.
  const isHere = existsSync(command) && (await readFile(command, 'utf8')) === COMMAND(root);
  if (!isCurrent || !isHere) {
    await install();
  }
  const probe = spawnSync(command, ['--version'], { encoding: 'utf8' });
  if (probe.status !== 0) {
    console.error(`The packed Chromium does not start here: ${probe.stderr || probe.error}`);
    console.error('Install a Chromium and set TAPEWATCH_BROWSER to its path.');
    process.exit(1);
  }
  console.log(command);
}

await main();
