// Package nearest finds the name that a misspelt one was meant to be.
package nearest

import "strings"

// longest is how many bytes a name may have of which the nearest is looked for: what is longer is no slip of the fingers.
const longest = 100

// Name is the candidate with the smallest edit distance to wanted, letter case aside; of several the first. It is "" if none is near enough to be meant.
func Name(wanted string, candidates []string) string {
	if len(wanted) > longest {
		return ""
	}
	best, bestDistance := "", 1+max(2, len(wanted)/3)
	for _, c := range candidates {
		if d := Distance(strings.ToLower(wanted), strings.ToLower(c)); d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	return best
}

// Distance is the Levenshtein distance in bytes: how many must be put in, left out or changed to make b of a. It takes len(a)*len(b) steps, and one row of memory.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
