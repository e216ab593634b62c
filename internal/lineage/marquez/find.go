package marquez

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// Find asks Marquez's search, which looks at names alone; where a text may hold a namespace, at the datasets of that.
func (s *Source) Find(ctx context.Context, text string) ([]lineage.Dataset, error) {
	namespace, own, both := cut(text)
	if both {
		var page struct {
			ID lineage.Dataset `json:"id"`
		}
		err := s.get(ctx, "the dataset "+text, &page, nil, "namespaces", namespace, "datasets", own)
		if err == nil && page.ID.Name != "" {
			return []lineage.Dataset{page.ID}, nil
		}
		if err != nil && !is(err, http.StatusNotFound) {
			return nil, err
		}
	}
	found, err := s.search(ctx, own)
	if err != nil {
		return nil, err
	}
	found = lineage.Match(found, text)
	if len(found) == 0 && strings.ContainsAny(text, ":/ ") { // part of a namespace
		return s.listed(ctx, text)
	}
	return found, nil
}

// cut gives the two halves of "namespace name".
func cut(text string) (namespace, name string, both bool) {
	if i := strings.IndexByte(text, ' '); i > 0 {
		return text[:i], strings.TrimSpace(text[i:]), true
	}
	return "", text, false
}

// mostFound is how many names of datasets are asked for at once.
const mostFound = 1000

func (s *Source) search(ctx context.Context, text string) (out []lineage.Dataset, err error) {
	var list struct {
		Results *[]struct {
			Type      string `json:"type"`
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"results"`
	}
	err = s.get(ctx, "datasets like "+text, &list, url.Values{"q": {text}, "filter": {"DATASET"}, "limit": {strconv.Itoa(mostFound)}}, "search")
	if err != nil {
		return nil, err
	}
	if list.Results == nil {
		return nil, s.noMarquez("datasets like "+text, "its answer has no results")
	}
	for _, r := range *list.Results {
		if r.Type == "" || r.Type == "DATASET" {
			out = append(out, lineage.Dataset{Namespace: r.Namespace, Name: r.Name})
		}
	}
	return out, nil
}

// listed looks at the datasets of the namespaces that a text may name.
func (s *Source) listed(ctx context.Context, text string) (out []lineage.Dataset, err error) {
	var list struct {
		Namespaces []struct {
			Name string `json:"name"`
		} `json:"namespaces"`
	}
	if err := s.get(ctx, "the namespaces", &list, url.Values{"limit": {strconv.Itoa(mostFound)}}, "namespaces"); err != nil {
		return nil, err
	}
	part, _, _ := cut(text)
	for _, n := range list.Namespaces {
		if !strings.Contains(strings.ToLower(n.Name), strings.ToLower(part)) {
			continue
		}
		var page struct {
			Datasets []struct {
				ID lineage.Dataset `json:"id"`
			} `json:"datasets"`
		}
		err := s.get(ctx, "the datasets of "+n.Name, &page, url.Values{"limit": {strconv.Itoa(mostFound)}}, "namespaces", n.Name, "datasets")
		if err != nil && !is(err, http.StatusNotFound) {
			return nil, err
		}
		for _, d := range page.Datasets {
			out = append(out, d.ID)
		}
	}
	return lineage.Match(out, text), nil
}

// Similar asks for datasets that hold a part of the text, the longest parts first.
func (s *Source) Similar(ctx context.Context, text string) ([]lineage.Dataset, error) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("._-/: ", r) })
	slices.SortStableFunc(parts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var begins []string
	for _, p := range parts {
		if len(p) > 4 { // the mistake may stand at either end
			begins = append(begins, p[:len(p)/2], p[len(p)/2:])
		}
	}
	var all []lineage.Dataset
	for _, p := range slices.Concat(parts[:min(2, len(parts))], begins[:min(4, len(begins))]) {
		found, err := s.search(ctx, strings.ToValidUTF8(p, ""))
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	return lineage.Likest(text, all), nil
}
