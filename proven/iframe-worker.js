/* iframe-worker 1.0.4, shim/index.js, from npm. It lets the search run where a page was opened from disk.
   Changed: the frame loads this file, too, where the original wrote a script into it, which the policy of a page forbids.

   Copyright (c) 2020-2022 Martin Donath <martin.donath@squidfunk.com>

   Permission is hereby granted, free of charge, to any person obtaining a copy
   of this software and associated documentation files (the "Software"), to
   deal in the Software without restriction, including without limitation the
   rights to use, copy, modify, merge, publish, distribute, sublicense, and/or
   sell copies of the Software, and to permit persons to whom the Software is
   furnished to do so, subject to the following conditions:

   The above copyright notice and this permission notice shall be included in
   all copies or substantial portions of the Software.

   THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
   IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
   FITNESS FOR A PARTICULAR PURPOSE AND NON-INFRINGEMENT. IN NO EVENT SHALL THE
   AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
   LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
   FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
   IN THE SOFTWARE.
*/
"use strict"
;(() => {
  const here = document.currentScript.src
  const worker = frameElement?.dataset.worker
  if (worker) {
    document.currentScript.remove() // the worker of the theme asks the first script of the frame where it lies
    window.postMessage = (data, target) => parent.postMessage(data, target || "*")
    window.importScripts = (...urls) =>
      urls.reduce(
        (before, url) =>
          before.then(
            () =>
              new Promise(resolve => {
                const script = document.createElement("script")
                script.src = url
                script.onload = resolve
                document.body.appendChild(script)
              })
          ),
        Promise.resolve()
      )
    addEventListener("error", ({ error }) =>
      parent.dispatchEvent(new ErrorEvent("error", { filename: worker, error }))
    )
    return
  }
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      this.url = url
      this.iframe = document.createElement("iframe")
      this.iframe.hidden = true
      this.iframe.dataset.worker = url
      document.body.appendChild(this.iframe)
      this.frame.document.open()
      this.frame.document.write(
        `<html><body><script src="${here}"></script><script src="${url}?${Date.now()}"></script></body></html>`
      )
      this.frame.document.close()
      window.onmessage = event => {
        if (event.source !== this.frame) return
        this.dispatchEvent(new MessageEvent("message", { data: event.data }))
        this.onmessage?.(event)
      }
      window.onerror = (message, filename, lineno, colno, error) => {
        if (filename !== `${this.url}`) return
        const event = new ErrorEvent("error", { message, filename, lineno, colno, error })
        this.dispatchEvent(event)
        this.onerror?.(event)
      }
      this.ready = new Promise((resolve, reject) => {
        this.frame.onload = resolve
        this.frame.onerror = reject
      })
    }
    terminate() {
      this.iframe.remove()
      window.onmessage = window.onerror = null
    }
    postMessage(data) {
      this.ready
        .catch(() => {})
        .then(() => this.frame.dispatchEvent(new MessageEvent("message", structuredClone({ data }))))
    }
    get frame() {
      return this.iframe.contentWindow
    }
  }
  if (location.protocol === "file:") window.Worker = window.IFrameWorker
})()
