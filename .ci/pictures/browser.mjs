// The headless Chromium that is installed: Debian's, without a sandbox of its own, since
// it only opens pages of ours, as root in a container.
import puppeteer from 'puppeteer-core'

export const launch = () => puppeteer.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb', '--hide-scrollbars'],
})
