/** Headless Chromium for tests of pages. On Debian as root it is installed when it is missing. */
import { access } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';
import { installPackages, mayInstallPackages } from './debian.ts';

const places = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

const find = async (): Promise<string | undefined> => {
  for (const place of places) if (place && (await access(place).then(() => true, () => false))) return place;
  return undefined;
};

const install = async (): Promise<string> => {
  if (await mayInstallPackages()) await installPackages('chromium');
  const found = await find();
  if (!found) throw new Error('These tests need Chromium: install it, or name it in CHROMIUM_PATH.');
  return found;
};

export const launchChromium = async (): Promise<Browser> =>
  chromium.launch({
    executablePath: (await find()) ?? (await install()),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
