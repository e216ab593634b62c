package dlq

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Outcome is what a replay or discard did with a letter.
type Outcome string

// The outcomes. After the first four the letter is settled, after the others it is as it was.
const (
	ReplayedOutcome Outcome = "replayed"
	BuriedAgain     Outcome = "buried_again" // the pipeline refused it again; there is a new letter, and this one is settled
	InQuarantine    Outcome = "quarantined"  // it was replayed too often
	DiscardedNow    Outcome = "discarded"
	AlreadySettled  Outcome = "already_settled" // before: a line of an import
	Stale           Outcome = "stale"           // the backend has a newer result of its dataset
	Gone            Outcome = "gone"            // a reference letter whose original is not retained any more
	TooLarge        Outcome = "too_large"       // its topic does not take it
	Refused         Outcome = "refused"         // its topic takes nothing from us
	NoSource        Outcome = "no_source"       // its source topic is not named, or does not exist
	ForeignTopic    Outcome = "foreign_topic"   // its source topic is not one whose letters these may be
	LedgerUnclear   Outcome = "ledger_unclear"  // the ledger's entry cannot be read
)

// Outcomes are all of them, in the order in which they are told.
var Outcomes = []Outcome{ReplayedOutcome, DiscardedNow, InQuarantine, BuriedAgain, AlreadySettled, Stale, Gone, TooLarge, Refused, NoSource, ForeignTopic, LedgerUnclear}

// Left says whether a letter stays with this outcome that was meant to go.
func (o Outcome) Left() bool {
	switch o {
	case Gone, TooLarge, Refused, NoSource, ForeignTopic, LedgerUnclear:
		return true
	}
	return false
}

// Action is one letter's settlement: records that leave, and the entry that says so, in one transaction.
type Action struct {
	Letter  *Letter
	Record  *kgo.Record // the replayed record, the copy in quarantine, or the new letter; nil: nothing leaves
	Entry   Entry
	Outcome Outcome
	Warning string // for the operator
}

// Audit is the line that is written for every letter that something was done to.
type Audit struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Topic   string    `json:"topic"`
	Letter  string    `json:"letter"` // partition/offset
	Outcome Outcome   `json:"outcome"`
	Code    string    `json:"code,omitempty"`
	Source  string    `json:"source,omitempty"` // topic/partition/offset
	To      string    `json:"to,omitempty"`     // topic/partition/offset, or the backend
	Reason  string    `json:"reason,omitempty"`
	Warning string    `json:"warning,omitempty"`
	Replays int       `json:"replays"` // of the letter, this one included
	TopicID string    `json:"topic_id"`
}

// Leave is the line about a letter that stays as it is. It is not written.
func (s *Session) Leave(l *Letter, outcome Outcome, warning string) Audit {
	return s.audit(&Action{Letter: l, Outcome: outcome, Warning: warning, Entry: Entry{At: time.Now().UTC()}})
}

func (s *Session) audit(a *Action) Audit {
	l := a.Letter
	line := Audit{At: a.Entry.At, By: s.by, Topic: s.Name, TopicID: s.ID, Letter: l.String(), Outcome: a.Outcome, Code: l.Said.Code,
		Reason: a.Entry.Reason, To: a.Entry.To, Replays: l.Said.Replays, Warning: a.Warning}
	if l.Said.Topic != "" {
		line.Source = place{l.Said.Topic, l.Said.Partition, l.Said.Offset}.String()
	}
	if a.Record != nil && a.Outcome != BuriedAgain {
		line.To = placeOf(a.Record).String()
	}
	if a.Entry.State == Replayed {
		line.Replays++
	}
	return line
}

func placeOf(rec *kgo.Record) place { return place{rec.Topic, rec.Partition, rec.Offset} }
