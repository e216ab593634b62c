package events

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-faster/jx"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Parser prepares events for a Builder, with names that repeat held once. Each goroutine has its own.
type Parser struct{ names names }

// NewParser makes a Parser.
func NewParser() *Parser { return &Parser{make(names)} }

// names keeps each text once: the names of a topic repeat without end. A nil names keeps nothing.
type names map[string]string

func (n names) text(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if n != nil && len(n) < mostNames && len(s) <= longestName {
		n[s] = s
	}
	return s
}

const (
	mostNames   = 1 << 18
	longestName = 1 << 10
)

// errNoEvent is JSON that is no OpenLineage event.
var errNoEvent = errors.New("not an OpenLineage event: it has no job and no dataset")

// Parse reads one event. Unknown keys, and facets of other forms than the standard's, are passed over; what makes it unusable is an error.
func (p *Parser) Parse(text []byte) (*Event, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	d := jx.DecodeBytes(text)
	if d.Next() != jx.Object {
		return nil, errors.New("not a JSON object")
	}
	one := &parser{names: p.names, ev: &Event{}}
	if err := one.object(d, one.top); err != nil {
		return nil, err
	}
	if !ended(d, text) {
		return nil, errors.New("there is more behind the event")
	}
	return one.ev, one.whole()
}

// ended says whether nothing stands behind the object that was read.
func ended(d *jx.Decoder, text []byte) bool {
	rest := d.Null() // of nothing it says that it has ended; so it does of a null that is cut, which does not end as an object does
	return errors.Is(rest, io.ErrUnexpectedEOF) && bytes.HasSuffix(bytes.TrimRight(text, " \t\r\n"), []byte("}"))
}

// whole checks what an event must have.
func (p *parser) whole() error {
	ev := p.ev
	switch {
	case ev.Job.Name == "" && ev.Dataset == nil:
		return errNoEvent
	case ev.Time.IsZero():
		return errors.New("not an OpenLineage event: eventTime is missing or no time")
	case ev.Run.ID == "":
		ev.Type = "" // a job event
	}
	if p.wrong != nil {
		return p.wrong
	}
	return nil
}

type parser struct {
	names
	ev    *Event
	wrong error // what has a type that it must not have
}

// object calls each for every key whose value is not null; anything but an object is passed over.
func (p *parser) object(d *jx.Decoder, each func(d *jx.Decoder, key string) error) error {
	if d.Next() != jx.Object {
		return d.Skip()
	}
	return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		if d.Next() == jx.Null {
			return d.Skip()
		}
		return each(d, words[string(key)])
	})
}

// words are the keys that are looked for, so that none is made a string anew for each event.
var words = func() map[string]string {
	out := make(map[string]string)
	for _, w := range strings.Fields(`eventType eventTime run job inputs outputs dataset runId facets parent parentRun great_expectations_meta expectation_suite_name root
		namespace name jobType processingType integration inputFacets dataQualityAssertions assertions success assertion column severity expected actual
		columnLineage fields inputFields field`) {
		out[w] = w
	}
	return out
}()

// list calls each for every element; anything but a list is passed over.
func (p *parser) list(d *jx.Decoder, each func(d *jx.Decoder) error) error {
	if d.Next() != jx.Array {
		return d.Skip()
	}
	return d.Arr(each)
}

// word reads a string; anything else is passed over.
func (p *parser) word(d *jx.Decoder, into *string) error {
	if d.Next() != jx.String {
		return d.Skip()
	}
	b, err := d.StrBytes()
	if err == nil {
		*into = p.text(b)
	}
	return err
}

func (p *parser) top(d *jx.Decoder, key string) error {
	switch key {
	case "eventType":
		var s string
		err := p.word(d, &s)
		p.ev.Type = openlineage.EventType(strings.ToUpper(s))
		return err
	case "eventTime":
		var s string
		err := (&parser{}).word(d, &s)
		p.ev.Time = Time(s)
		return err
	case "run":
		return p.object(d, p.run)
	case "job":
		return p.object(d, p.job)
	case "inputs", "outputs":
		if d.Next() != jx.Array {
			p.wrong = fmt.Errorf("%s is no list", key)
		}
		if key == "inputs" {
			return p.list(d, p.input)
		}
		return p.list(d, p.output)
	case "dataset":
		var at lineage.Dataset
		err := p.object(d, func(d *jx.Decoder, key string) error { return p.datasetName(d, key, &at) })
		if at.Name != "" {
			p.ev.Dataset = &at
		}
		return err
	}
	return d.Skip()
}

func (p *parser) run(d *jx.Decoder, key string) error {
	switch key {
	case "runId":
		var s string
		err := (&parser{}).word(d, &s) // run ids do not repeat
		p.ev.Run.ID = strings.ToLower(s)
		return err
	case "facets":
		return p.object(d, p.runFacet)
	}
	return d.Skip()
}

func (p *parser) runFacet(d *jx.Decoder, key string) error {
	switch key {
	case "parent", "parentRun":
		return p.parent(d, &p.ev.Run)
	case "great_expectations_meta":
		return p.object(d, func(d *jx.Decoder, key string) error {
			if key == "expectation_suite_name" {
				return p.word(d, &p.ev.Run.Suite)
			}
			return d.Skip()
		})
	}
	return d.Skip()
}

// parent reads the facet parent.
func (p *parser) parent(d *jx.Decoder, into *Facets) error {
	var parent, root lineage.Run
	err := p.object(d, func(d *jx.Decoder, key string) error {
		if key == "root" {
			return p.object(d, func(d *jx.Decoder, key string) error { return p.reference(d, key, &root) })
		}
		return p.reference(d, key, &parent)
	})
	if parent.ID != "" {
		into.Parent = &parent
	}
	if root.ID != "" {
		into.Root = &root
	}
	return err
}

// reference reads run.runId and job.namespace and .name.
func (p *parser) reference(d *jx.Decoder, key string, into *lineage.Run) error {
	switch key {
	case "run":
		return p.object(d, func(d *jx.Decoder, key string) error {
			if key == "runId" {
				err := (&parser{}).word(d, &into.ID) // it would fill the names
				into.ID = strings.ToLower(into.ID)
				return err
			}
			return d.Skip()
		})
	case "job":
		return p.object(d, func(d *jx.Decoder, key string) error { return p.jobName(d, key, &into.Job) })
	}
	return d.Skip()
}

func (p *parser) jobName(d *jx.Decoder, key string, into *lineage.Job) error {
	return p.name(d, key, &into.Namespace, &into.Name)
}

func (p *parser) datasetName(d *jx.Decoder, key string, into *lineage.Dataset) error {
	return p.name(d, key, &into.Namespace, &into.Name)
}

// name takes what jobs and datasets are named by.
func (p *parser) name(d *jx.Decoder, key string, namespace, name *string) error {
	switch key {
	case "namespace":
		return p.word(d, namespace)
	case "name":
		return p.word(d, name)
	}
	return d.Skip()
}

func (p *parser) job(d *jx.Decoder, key string) error {
	if key != "facets" {
		return p.jobName(d, key, &p.ev.Job)
	}
	return p.object(d, func(d *jx.Decoder, key string) error {
		if key != "jobType" {
			return d.Skip()
		}
		var processing, integration, kind string
		err := p.object(d, func(d *jx.Decoder, key string) error {
			switch key {
			case "processingType":
				return p.word(d, &processing)
			case "integration":
				return p.word(d, &integration)
			case "jobType":
				return p.word(d, &kind)
			}
			return d.Skip()
		})
		p.ev.Streaming = strings.EqualFold(processing, "STREAMING")
		p.ev.Check = IsCheck(integration, kind)
		return err
	})
}
