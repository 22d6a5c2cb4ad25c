// Drives a sandbox's page in a browser from draft to done while it stays open, with and
// without JavaScript, and takes pictures of it.
//
// usage: node page.mjs FOLDER URL DUMP, where URL is a sandbox started with --index
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { launch } from './browser.mjs'

const [folder, url, dump] = process.argv.slice(2)
const check = (is, what) => { if (!is) throw new Error(what) }

async function call(method, query, body) {
  const response = await fetch(`${url}/database/v1/${method}?${new URLSearchParams(query)}`, { method: 'POST', body })
  const answer = await response.json()
  check(response.ok && !answer.failures?.length, `${method}: ${JSON.stringify(answer)}`)
  return answer.request
}
const create = () => call('create', { contract: 'M123456-abcdef', email: 'john.doe@example.com', target: '17.0', aim: 'test', filename: 'bakery.zip' })
async function start({ id, key }) {
  await call('upload', { request: id, key }, readFileSync(dump))
  await call('process', { request: id, key })
}
const now = (tab) => tab.$eval('[aria-current=step]', (e) => e.textContent)

const browser = await launch()
try {
  const request = await create()
  const tab = await browser.newPage()
  const errors = []
  let loads = 0
  tab.on('pageerror', (e) => errors.push(e.message))
  tab.on('console', (m) => m.type() === 'error' && errors.push(m.text()))
  tab.on('domcontentloaded', () => loads++)
  await tab.setViewport({ width: 820, height: 900 })
  await tab.goto(request.status_url)
  check(await now(tab) === 'draft', `the page shows ${await now(tab)}, not draft`)
  await start(request)
  for (const state of ['pending', 'progress', 'done']) {
    await tab.waitForFunction((s) => document.querySelector('[aria-current=step]')?.textContent === s, { timeout: 20000, polling: 'mutation' }, state)
    console.log(`the page shows ${state}`)
  }
  check(loads === 1, `the page was loaded ${loads} times`)
  check(errors.length === 0, errors.join('\n'))
  check((await tab.$eval('pre', (e) => e.textContent)).includes('Copying the database'), 'the log is not on the page')
  check(await tab.$('a[href="upgraded/archive"]'), 'the page has no download')
  for (const theme of ['light', 'dark']) {
    await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }])
    const color = await tab.$eval('body', (e) => getComputedStyle(e).backgroundColor)
    check((Number(color.match(/\d+/)[0]) < 128) === (theme === 'dark'), `${theme}: the background is ${color}`)
    await tab.screenshot({ path: join(folder, `page-${theme}.png`), fullPage: true })
  }

  const other = await create()
  const plain = await browser.newPage()
  await plain.setJavaScriptEnabled(false)
  await plain.goto(other.status_url)
  await start(other)
  const late = Date.now() + 20000
  while (await now(plain).catch(() => '') !== 'done') {
    check(Date.now() < late, 'without JavaScript the page stays as it was')
    await plain.waitForNavigation({ timeout: 10000 }).catch(() => {})
  }
  console.log('without JavaScript the page shows done')

  const list = await browser.newPage()
  await list.goto(url)
  check((await list.$$('td a')).length >= 2, 'the list has no requests')
  await list.screenshot({ path: join(folder, 'page-index.png') })
} finally {
  await browser.close()
}
