package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"spark/flows"
)

// Types are all objects that are exchanged, in the order in which they are documented. Whatever one of them holds has to
// stand here, too.
var Types = []reflect.Type{
	reflect.TypeFor[Problem](), reflect.TypeFor[flows.Path](), reflect.TypeFor[flows.Error](),
	reflect.TypeFor[FlowSummary](), reflect.TypeFor[Flow](), reflect.TypeFor[Document](), reflect.TypeFor[Saved](), reflect.TypeFor[Revision](),
	reflect.TypeFor[StartRun](), reflect.TypeFor[flows.Run](), reflect.TypeFor[flows.NodeStatus](), reflect.TypeFor[flows.LogLine](),
	reflect.TypeFor[flows.Field](), reflect.TypeFor[flows.Sample](), reflect.TypeFor[flows.Reject](),
	reflect.TypeFor[flows.StoredReject](), reflect.TypeFor[flows.RejectGroup](), reflect.TypeFor[RejectSelection](), reflect.TypeFor[DiscardRejects](), reflect.TypeFor[ReplayRejects](), reflect.TypeFor[RejectCount](), reflect.TypeFor[flows.ReplayReport](),
	reflect.TypeFor[CheckRequest](), reflect.TypeFor[flows.Check](), reflect.TypeFor[flows.PortSchema](),
	reflect.TypeFor[PreviewRequest](), reflect.TypeFor[flows.Preview](), reflect.TypeFor[flows.SeenFile](), reflect.TypeFor[flows.SampleMode](),
	reflect.TypeFor[Catalogue](), reflect.TypeFor[NodeType](), reflect.TypeFor[Port](), reflect.TypeFor[Function](), reflect.TypeFor[Format](),
	reflect.TypeFor[FileList](), reflect.TypeFor[FileEntry](), reflect.TypeFor[InspectRequest](), reflect.TypeFor[Proposal](), reflect.TypeFor[Fetched](), reflect.TypeFor[flows.Answer](), reflect.TypeFor[flows.AnswerHeader](), reflect.TypeFor[flows.CallAnswer](), reflect.TypeFor[FileField](),
	reflect.TypeFor[OperationsRequest](), reflect.TypeFor[flows.Operations](), reflect.TypeFor[flows.Operation](), reflect.TypeFor[flows.ChosenOperation](), reflect.TypeFor[flows.ProposedParameter](),
	reflect.TypeFor[ConnectionType](), reflect.TypeFor[flows.Connection](), reflect.TypeFor[WindowRequest](), reflect.TypeFor[SetCursor](), reflect.TypeFor[flows.FlowCursor](), reflect.TypeFor[flows.CursorWindow](), reflect.TypeFor[flows.Pin](), reflect.TypeFor[flows.PinnedPort](), reflect.TypeFor[flows.Cursor](), reflect.TypeFor[flows.Delivery](), reflect.TypeFor[flows.Move](), reflect.TypeFor[SaveConnection](), reflect.TypeFor[OAuth](), reflect.TypeFor[SignInAddress](), reflect.TypeFor[flows.SignIn](), reflect.TypeFor[flows.Environment](), reflect.TypeFor[Environments](), reflect.TypeFor[TestConnection](), reflect.TypeFor[SplitAddress](), reflect.TypeFor[SplitSettings](), reflect.TypeFor[ConnectionReport](), reflect.TypeFor[flows.Table](), reflect.TypeFor[Tables](), reflect.TypeFor[flows.Column](), reflect.TypeFor[Columns](),
	reflect.TypeFor[flows.Changes](), reflect.TypeFor[flows.Expectation](), reflect.TypeFor[flows.Activity](), reflect.TypeFor[Health](), reflect.TypeFor[Snapshot](), reflect.TypeFor[Delta](), reflect.TypeFor[Ask](),
}

// Enums are the closed sets of texts.
var Enums = map[reflect.Type][]string{
	reflect.TypeFor[flows.RunState]():     texts(flows.RunQueued, flows.RunRunning, flows.RunSucceeded, flows.RunFailed, flows.RunCancelled),
	reflect.TypeFor[flows.NodeState]():    texts(flows.NodeReady, flows.NodeRunning, flows.NodeDone, flows.NodeFailed, flows.NodeSkipped),
	reflect.TypeFor[flows.Severity]():     texts(flows.SeverityError, flows.SeverityWarning, flows.SeverityInfo),
	reflect.TypeFor[flows.Trigger]():      texts(flows.TriggerManual, flows.TriggerReplay, flows.TriggerSample),
	reflect.TypeFor[flows.RejectPolicy](): texts(flows.RejectFail, flows.RejectStore, flows.RejectSkip),
	reflect.TypeFor[flows.RejectState]():  texts(flows.RejectHeld, flows.RejectOpen, flows.RejectReplaying, flows.RejectReplayed, flows.RejectDiscarded),
	reflect.TypeFor[flows.Guarantee]():    texts(flows.ExactlyOnce, flows.EffectivelyOnce, flows.AtLeastOnce),
	reflect.TypeFor[LiveKind]():           texts(LiveSnapshot, LiveDelta),
}

func texts[T ~string](values ...T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// Name is what a type is called outside of Go. Those of package flows keep their names, except where another one has it.
func Name(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[flows.Error]():
		return "FlowError"
	case reflect.TypeFor[flows.Type]():
		return "Type"
	}
	return t.Name()
}

// Member is a member of an object.
type Member struct {
	Name     string
	Type     reflect.Type
	Optional bool
	Const    string // the only value
	Embedded bool   // Type's members stand in its place
	Field    string // in Go
}

// Members lists the members of an object in their order.
func Members(t reflect.Type) []Member {
	var ms []Member
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			ms = append(ms, Member{Type: f.Type, Embedded: true})
		case name != "-" && f.IsExported():
			ms = append(ms, Member{Name: name, Type: f.Type, Field: f.Name, Const: f.Tag.Get("const"),
				Optional: strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")})
		}
	}
	return ms
}

// Opaque reports whether a type is any JSON value as far as the API is concerned.
func Opaque(t reflect.Type) bool {
	return t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface
}

// Textual reports whether a type is written as a text although it is none in Go.
func Textual(t reflect.Type) bool {
	return t == reflect.TypeFor[flows.Type]() || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[[]byte]()
}
