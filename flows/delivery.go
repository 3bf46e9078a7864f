package flows

// Guarantee is how often a record reaches a target, whatever fails and is run again. It is never better than the weakest
// of what lies between source and target.
type Guarantee string

// The guarantees, from the strongest to the weakest.
const (
	ExactlyOnce     Guarantee = "exactly-once"
	EffectivelyOnce Guarantee = "effectively-once" // written again, it changes nothing: it is found by its key
	AtLeastOnce     Guarantee = "at-least-once"    // duplicates are possible
)

// Delivery is what is promised for the records that reach an output node.
type Delivery struct {
	Node      string    `json:"node"`
	Guarantee Guarantee `json:"guarantee"`
	Reason    string    `json:"reason"` // a sentence
}
