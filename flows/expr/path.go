package expr

import (
	"fmt"
	"strconv"
	"strings"
)

// Step is a part of a JSON path: a key of an object, or the 0-based index of an array when Key is nil.
type Step struct {
	Key   *string
	Index int
}

// maxSteps is how deep a path may go.
const maxSteps = 50

// ParsePath reads a JSON path: $ followed by .key, ."any key", ['any key'] or [0]. In quotes a backslash stands before a
// quote or a backslash that is meant itself.
func ParsePath(s string) ([]Step, error) {
	if s == "" || s[0] != '$' {
		return nil, fmt.Errorf("a path begins with $")
	}
	var steps []Step
	for i := 1; i < len(s); {
		var step Step
		var n int
		var err error
		switch {
		case s[i] == '.':
			step, n, err = pathKey(s[i+1:])
		case strings.HasPrefix(s[i:], "['"), strings.HasPrefix(s[i:], `["`):
			step, n, err = pathBracket(s[i+1:])
		case s[i] == '[':
			step, n, err = pathIndex(s[i+1:])
		default:
			err = fmt.Errorf("the path has an unexpected %q", s[i:i+len(firstRune(s[i:]))])
		}
		if err != nil {
			return nil, fmt.Errorf("%w at character %d", err, len([]rune(s[:i]))+1)
		}
		steps = append(steps, step)
		i += 1 + n
	}
	if len(steps) > maxSteps {
		return nil, fmt.Errorf("the path has more than %d steps", maxSteps)
	}
	return steps, nil
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

// pathKey reads what follows a dot.
func pathKey(s string) (Step, int, error) {
	if strings.HasPrefix(s, `"`) {
		return pathQuoted(s)
	}
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] == '-' || s[n] >= '0' && s[n] <= '9' || s[n]|32 >= 'a' && s[n]|32 <= 'z' || s[n] >= 0x80) {
		n++
	}
	if n == 0 {
		return Step{}, 0, fmt.Errorf("the path has a dot without a key")
	}
	key := s[:n]
	return Step{Key: &key}, n, nil
}

// pathQuoted reads a key in quotes and returns its length with them.
func pathQuoted(s string) (Step, int, error) {
	var key strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			k := key.String()
			return Step{Key: &k}, i + 1, nil
		case s[i] == 0:
			return Step{}, 0, fmt.Errorf("the path has a key with the character NUL")
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == s[0]):
			i++
		}
		key.WriteByte(s[i])
	}
	return Step{}, 0, fmt.Errorf("the path has an unclosed quoted key")
}

// pathBracket reads a quoted key from behind its bracket to behind the closing one.
func pathBracket(s string) (Step, int, error) {
	step, n, err := pathQuoted(s)
	if err == nil && !strings.HasPrefix(s[n:], "]") {
		err = fmt.Errorf("the path has an unclosed bracket")
	}
	return step, n + 1, err
}

func pathIndex(s string) (Step, int, error) {
	end := strings.IndexByte(s, ']')
	if end < 1 {
		return Step{}, 0, fmt.Errorf("the path has an unclosed index")
	}
	i, err := strconv.ParseUint(s[:end], 10, 31)
	if err != nil {
		return Step{}, 0, fmt.Errorf("the path index %q is not a whole number from 0", clip(s[:end]))
	}
	return Step{Index: int(i)}, end + 1, nil
}

// FormatPath writes steps as a path that ParsePath reads.
func FormatPath(steps []Step) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, step := range steps {
		if step.Key == nil {
			fmt.Fprintf(&b, "[%d]", step.Index)
			continue
		}
		if s, n, err := pathKey(*step.Key); err == nil && n == len(*step.Key) && s.Key != nil && !strings.HasPrefix(*step.Key, `"`) {
			b.WriteString("." + *step.Key)
			continue
		}
		b.WriteString("['" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(*step.Key) + "']")
	}
	return b.String()
}
