// Lets the search, whose index and worker are heavier than many a page, wait until somebody searches; before the
// theme's script.
{
  const used = new Promise(resolve => {
    if (new URLSearchParams(location.search).has("h")) resolve() // words to highlight: came from a search
    document.forms.search?.addEventListener("focusin", resolve, { once: true })
  })
  const { open, send } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.waits = /\/search_index\.json$/.test(url)
    return open.call(this, method, url, ...rest)
  }
  XMLHttpRequest.prototype.send = function (body) {
    if (this.waits) used.then(() => send.call(this, body))
    else send.call(this, body)
  }
  const { Worker } = window
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.real = used.then(() => {
        const real = new Worker(url)
        real.addEventListener("message", ({ data }) => this.dispatchEvent(new MessageEvent("message", { data })))
        return real
      })
    }
    postMessage(message) {
      this.real.then(real => real.postMessage(message))
    }
  }
}
