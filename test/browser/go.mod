// The page in Chromium. After a change of ../../go.mod: go mod tidy, here too.
module github.com/gx-ol/gx-ol/test/browser

go 1.26.0

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/gx-ol/gx-ol v0.0.0
	github.com/segmentio/kafka-go v0.4.51
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
)

replace github.com/gx-ol/gx-ol => ../..
