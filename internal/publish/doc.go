// Package publish puts the results of a validations store on a topic, each once: a store's whole history in the order of its runs, and what comes to it later.
//
// What was published stands in a ledger, a compacted topic that is written in the same transaction as the results, so that not even a kill -9 between the two
// publishes one twice. It is Kafka's and not a file's, since only the brokers can commit both at once, and since the machine that goes on may be another.
package publish
