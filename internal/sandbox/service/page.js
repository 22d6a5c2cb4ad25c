// Shows the page as it is now: the server sends the inside of <main> whenever it changes,
// and an event "end" after the last time.
const main = document.querySelector('main[data-events]')
if (main) {
  const events = new EventSource(main.dataset.events)
  events.onmessage = (event) => { main.innerHTML = JSON.parse(event.data) }
  events.addEventListener('end', () => events.close())
}
