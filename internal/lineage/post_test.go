package lineage_test

import "github.com/gx-ol/gx-ol/schemas/openlineage"

func eventOf(body []byte) openlineage.Event { return openlineage.Event{Body: body, PassThrough: true} }
