// Renders job summaries, *.md in a folder, as GitHub does, and takes a screenshot of each:
// light and dark, wide and narrow. It fails where a chart does not draw, where something is
// cut off, or where the page has an error.
//
// usage: node render.mjs FOLDER
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { marked } from 'marked'
import { launch } from './browser.mjs'

const folder = process.argv[2]
const require = createRequire(import.meta.url)
const css = readFileSync(require.resolve('github-markdown-css/github-markdown.css'), 'utf8')
const mermaid = readFileSync(require.resolve('mermaid/dist/mermaid.min.js'), 'utf8')
const problems = []

marked.use({ gfm: true, renderer: { code({ text, lang }) {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return lang === 'mermaid' ? `<div class="mermaid">${escaped}</div>` : `<pre><code>${escaped}</code></pre>`
} } })

const page = (theme) => `<!doctype html><html data-theme="${theme}"><meta charset="utf-8"><meta name="color-scheme" content="${theme}">
<style>${css}
body { margin: 0; background: ${theme === 'dark' ? '#0d1117' : '#ffffff'} }
.markdown-body { box-sizing: border-box; max-width: 980px; margin: 0 auto; padding: 24px; font-family: "Liberation Sans", Arial, sans-serif }
@media (max-width: 767px) { .markdown-body { padding: 15px } }
.mermaid svg { max-width: 100% }</style>
<article class="markdown-body"></article>`

// In the page: what is wrong with it.
function inspect(width) {
  const wrong = []
  const light = (color) => { // WCAG 2, relative luminance
    const [r, g, b] = color.match(/[\d.]+/g).map((n) => n / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05) }
  if (document.documentElement.scrollWidth > width) wrong.push(`it is ${document.documentElement.scrollWidth} pixels wide`)
  for (const chart of document.querySelectorAll('.mermaid')) {
    const svg = chart.querySelector('svg')
    if (!svg || svg.getAttribute('aria-roledescription') === 'error' || /Syntax error/.test(svg.textContent)) { wrong.push('a chart does not draw'); continue }
    const box = svg.getBoundingClientRect()
    if (box.width < 200 || box.height < 60) wrong.push(`a chart is ${box.width} by ${box.height} pixels`)
    for (const text of svg.querySelectorAll('text')) {
      const t = text.getBoundingClientRect()
      const under = [...svg.querySelectorAll('rect.task')].find((r) => { const b = r.getBoundingClientRect(); return b.left <= t.left && b.right >= t.right && b.top <= t.top + 4 && b.bottom >= t.bottom - 4 })
      if (under && contrast(getComputedStyle(text).fill, getComputedStyle(under).fill) < 3) wrong.push(`"${text.textContent}" can hardly be read on its bar`)
      if (t.width > 0 && (t.left < box.left - 1 || t.right > box.right + 1)) wrong.push(`"${text.textContent}" is cut off in a chart`)
    }
  }
  for (const cell of document.querySelectorAll('.markdown-body > *')) {
    const b = cell.getBoundingClientRect()
    if (b.right > width + 1 || b.left < -1) wrong.push(`<${cell.tagName.toLowerCase()}> reaches beyond the page`)
  }
  return wrong
}

const browser = await launch()
const names = readdirSync(folder).filter((n) => n.endsWith('.md')).sort()
for (const theme of ['light', 'dark']) {
  for (const width of [390, 1280]) {
    const tab = await browser.newPage()
    let name
    tab.on('pageerror', (e) => problems.push(`${name} ${theme} ${width}: ${e.message}`))
    await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }])
    await tab.setViewport({ width, height: 800, deviceScaleFactor: width === 390 ? 2 : 1 })
    await tab.setContent(page(theme))
    await tab.addScriptTag({ content: mermaid })
    await tab.evaluate((theme) => mermaid.initialize({ startOnLoad: false, theme: theme === 'dark' ? 'dark' : 'default' }), theme)
    for (name of names) {
      await tab.evaluate(async (html) => {
        document.querySelector('.markdown-body').innerHTML = html
        await mermaid.run({ querySelector: '.mermaid', suppressErrors: true })
      }, marked.parse(readFileSync(join(folder, name), 'utf8')))
      if (name === 'upgrade-failed-json-rpc.md' && width === 390) { // why it failed stands on the first screen of a phone
        const bottom = await tab.evaluate(() => document.querySelector('.markdown-body ol li')?.getBoundingClientRect().bottom ?? Infinity)
        if (bottom > 800) problems.push(`${name} ${theme} ${width}: the first cause ends at ${bottom} pixels`)
      }
      for (const wrong of await tab.evaluate(inspect, width)) problems.push(`${name} ${theme} ${width}: ${wrong}`)
      await tab.screenshot({ path: join(folder, `${name.slice(0, -3)}-${theme}-${width}.png`), fullPage: true })
      if (name === 'upgraded-v1.md' && width === 1280) {
        await (await tab.$('.markdown-body')).screenshot({ path: join(folder, `readme-${theme}.png`) })
      }
    }
    await tab.close()
  }
}
await browser.close()
writeFileSync(join(folder, 'problems.txt'), problems.join('\n'))
console.log(`${readdirSync(folder).filter((n) => n.endsWith('.png')).length} pictures in ${folder}`)
if (problems.length) { console.error(problems.join('\n')); process.exit(1) }
