/** Headless Chromium for tests of pages. On Debian as root it is installed when it is missing. */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const run = promisify(execFile);
const places = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

const find = async (): Promise<string | undefined> => {
  for (const place of places) if (place && (await access(place).then(() => true, () => false))) return place;
  return undefined;
};

const install = async (): Promise<string> => {
  if (process.getuid?.() === 0 && (await access('/etc/debian_version').then(() => true, () => false))) {
    await run('apt-get', ['update', '-qq']);
    await run('apt-get', ['install', '-y', '-qq', 'chromium'], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
  const found = await find();
  if (!found) throw new Error('These tests need Chromium: install it, or name it in CHROMIUM_PATH.');
  return found;
};

export const launchChromium = async (): Promise<Browser> =>
  chromium.launch({
    executablePath: (await find()) ?? (await install()),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
