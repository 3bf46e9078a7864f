package node

// OperationsQuestion asks what an API can be asked for, by its OpenAPI document.
type OperationsQuestion struct {
	Text    string `json:"text,omitempty"`    // of the document; "": it is fetched from Address
	Address string `json:"address,omitempty"` // below the base URL of the connection, or whole without one
	// Method and Path name the operation whose settings are wanted; "": the list is.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Records: the settings are for a node that reads pages of records, else for one that calls for each record, whose input has Fields.
	Records bool     `json:"records,omitempty"`
	Fields  []string `json:"fields,omitempty"`
	// Connection that the node uses; "": none.
	Connection  string        `json:"connection,omitempty"`
	Connections ConnectionSet `json:"connections,omitempty"`
}
