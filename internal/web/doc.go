// Package web is the page: one small web application that shows a deployment as it is, and lets an operator act on its dead letters. It
// decides nothing about records; what it shows it asks of others through small interfaces (Options).
//
// # How a place is added
//
// A place is an entry of the navigation with routes of its own. It is one file of Go, and one folder of templates:
//
//	func (s *Server) lettersPlace() Place {
//		return Place{Name: "letters", Title: "Dead letters", Path: "/letters", Changed: s.letters.Version, Routes: []Route{
//			{Pattern: "GET /letters", Handle: s.showLetters},
//			{Pattern: "POST /letters/replay", Handle: s.replayLetters, Changes: true},
//		}}
//	}
//
// and one line in Server.places. Then:
//
//   - A handler answers with s.render(w, r, "letters/list", data), which is templates/letters/list.html: it defines "main", and may define "title". It sees a
//     View: .Data is what the handler gave, .Session is who is signed in, .CanChange says whether buttons that change something may be offered.
//   - A route with Changes: true is only reached by a signed-in session with its CSRF token, from this origin, or by a bearer token. A form needs
//     {{template "csrf" .}} in it; a module sends the header X-CSRF-Token with the content of the meta element of that name.
//   - An element with an id and the attribute data-live is exchanged by itself when the place has Changed, at most once a second: the browser asks for the
//     same URL again and takes the element of the same id. So everything that is shown is a URL, and works without any script.
//   - Modules and styles lie in assets/, are loaded with {{asset "letters.js"}}, and obey the Content-Security-Policy: no inline script, no inline style, nothing
//     from elsewhere. SVG is drawn by the templates, coloured by classes.
//   - Text of messages is escaped by html/template; characters that a page would obey (controls, bidirectional overrides) are made visible by render;
//     {{cut 200 .Name}} bounds what may be long.
//   - An error is answered with s.fail(w, r, status, "one sentence, and what to do").
package web
