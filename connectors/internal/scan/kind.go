package scan

import (
	"bytes"
	"fmt"

	"spark/flows"
)

// kinds are files that are often taken for text, by how they begin. None of these is how a text begins.
var kinds = []struct{ begin, name, advice string }{
	{"PK\x03\x04", "a zip archive, such as an Excel workbook (xlsx)", "save the sheet as CSV, or unpack the archive"},
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Office document, such as an Excel workbook (xls)", "save the sheet as CSV"},
	{"%PDF-", "a PDF document", "export the data as CSV where the document was made"},
	{"\x1F\x8B", "compressed with gzip", "let its name end with .gz, or decompress it"},
	{"\x28\xB5\x2F\xFD", "compressed with zstd", "decompress it, or compress it with gzip"},
	{"BZh91AY&SY", "compressed with bzip2", "decompress it, or compress it with gzip"},
	{"\xFD7zXZ\x00", "compressed with xz", "decompress it, or compress it with gzip"},
	{"7z\xBC\xAF\x27\x1C", "a 7z archive", "unpack it"},
	{"PAR1\x15", "a Parquet file", "choose the format Parquet"},
	{"SQLite format 3\x00", "an SQLite database", "export the table as CSV"},
	{"\x89PNG\r\n", "a picture", "name the file with the data"},
	{"\xFF\xD8\xFF", "a picture", "name the file with the data"},
	{"\x7FELF", "a program", "name the file with the data"},
}

// noText refuses what is known to be no text by its first octets.
func noText(head []byte) error {
	for _, k := range kinds {
		if bytes.HasPrefix(head, []byte(k.begin)) {
			return &flows.Error{Code: "file.kind", Message: fmt.Sprintf("the file is no text but %s", k.name), Suggestion: k.advice}
		}
	}
	return nil
}
