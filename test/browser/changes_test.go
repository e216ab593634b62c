package browser

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gx-ol/gx-ol/test/process"
)

// failed is a failing result of a dataset of this name.
func failed(t *testing.T, name string) []byte {
	t.Helper()
	return compact(t, bytes.ReplaceAll([]byte(failing), []byte(`"orders"`), fmt.Appendf(nil, "%q", name)))
}

// What changes while the tab is in the background is not asked for, and shown when somebody looks again.
func TestWhatChangesWhileNobodyLooksIsShownThen(t *testing.T) {
	chromium(t)
	out := start(t, "dev", "--no-open", "--kafka-port", "0", "--port", "0", "--metrics-port", "0")
	at := out.finds(t, `the page at (http://\S+)/`)[1]
	brokers := out.finds(t, `Kafka at (\S+) `)[1]
	b := Open(t, at)
	b.Go("/datasets?q=in_the_background")
	b.until("the page listens", `document.getElementById("live").textContent === "live"`)
	eval[bool](b, "going to the background", `window.away = true; window.heard = 0;
		Object.defineProperty(document, "hidden", {configurable: true, get: () => window.away});
		const parse = JSON.parse; JSON.parse = (text) => { const news = parse(text); window.heard = news.datasets; return news; }; true`)
	write(t, brokers, "gx.validation-results", [][]byte{failed(t, "in_the_background")})
	process.Eventually(t, patience, "the dataset", func() bool {
		return eval[bool](b, "asking the server", `fetch(location.href).then((r) => r.text()).then((page) => new DOMParser().parseFromString(page, "text/html").querySelector("main table")?.innerText.includes("in_the_background") === true)`)
	})
	number := eval[int](b, "asking for the number", `new Promise((told) => {
		const stream = new EventSource("/changes");
		stream.addEventListener("changed", (message) => { stream.close(); told(Number(/"datasets":(\d+)/.exec(message.data)[1])); });
	})`)
	b.until("the page has heard of it", fmt.Sprintf("window.heard >= %d", number))
	if eval[bool](b, "looking", shows("in_the_background")) {
		t.Error("it is shown although nobody looks")
	}
	eval[bool](b, "looking again", `window.away = false; document.dispatchEvent(new Event("visibilitychange")); true`)
	b.until("it is shown", shows("in_the_background"))
}

// shows is a script that says whether the page's table has a text.
func shows(text string) string {
	return `document.querySelector("main table")?.innerText.includes(` + quote(text) + `) === true`
}

// A question that the server does not answer is asked again with its next word, although nothing more has changed in this place.
func TestAPageWhoseQuestionFailedAsksAgain(t *testing.T) {
	chromium(t)
	out := start(t, "dev", "--no-open", "--kafka-port", "0", "--port", "0", "--metrics-port", "0")
	at := out.finds(t, `the page at (http://\S+)/`)[1]
	brokers := out.finds(t, `Kafka at (\S+) `)[1]
	for name, answer := range map[string]string{"unavailable": `Promise.resolve(new Response("", {status: 503}))`, "away": `Promise.reject(new TypeError("away"))`} {
		t.Run(name, func(t *testing.T) {
			b := Open(t, at)
			dataset := "asked_again_" + name
			b.Go("/datasets?q=" + dataset)
			b.until("the page listens", `document.getElementById("live").textContent === "live"`)
			eval[bool](b, "letting questions fail", `window.failed = 0; const ask = window.fetch; window.fails = true;
				window.fetch = (...all) => { if (!window.fails) return ask(...all); window.failed++; return `+answer+`; }; true`)
			write(t, brokers, "gx.validation-results", [][]byte{failed(t, dataset)})
			b.until("a question fails", `window.failed > 0`)
			if eval[bool](b, "looking", shows(dataset)) {
				t.Fatal("it is shown although the question failed")
			}
			eval[bool](b, "letting questions through", `window.fails = false; true`)
			publish(t, brokers, "gx.validation-results", []byte(`["nobody's result"]`)) // a dead letter: nothing of a dataset
			b.until("it is shown", shows(dataset))
		})
	}
}
