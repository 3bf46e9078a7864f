package sample

import (
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"spark/connectors/internal/batch"
	"spark/flows"
)

// What orders refer to.
const (
	customers = 1_000
	products  = 100
)

// day is 2025-01-01 in days since 1970-01-01.
const day = 20_089

// mix turns a record's number into bits that look random. The salt makes the fields of one record independent.
func mix(i int64, salt uint64) uint64 {
	x := uint64(i)*0x9E3779B97F4A7C15 + salt*0xD1342543DE82EF95
	x = (x ^ x>>32) * 0xD6E8FEB86659FD93
	x = (x ^ x>>32) * 0xD6E8FEB86659FD93
	return x ^ x>>32
}

// below maps the bits to 0 … n-1.
func below(x uint64, n uint64) uint64 { return (x >> 32) * n >> 32 }

type filler = func(c *batch.Column, first int64, n int, dirty bool)

func field(name string, t flows.Type, fill filler) column {
	return column{flows.Field{Name: name, Type: t}, fill}
}

// fixed fills a column of fixed width from the record's number.
func fixed[T any](value func(i int64) T) filler {
	return func(c *batch.Column, first int64, n int, _ bool) {
		vs := batch.Values[T](c)[:n]
		for k := range vs {
			vs[k] = value(first + int64(k))
		}
		c.SetLen(n)
	}
}

// number is the record's number from 1.
func number[T int32 | int64](c *batch.Column, first int64, n int, _ bool) {
	vs := batch.Values[T](c)[:n]
	for k := range vs {
		vs[k] = T(first + int64(k) + 1)
	}
	c.SetLen(n)
}

// choice fills a text column with one of the words; pick chooses.
func choice(list []string, pick func(i int64) int) filler {
	longest := 0
	for _, w := range list {
		longest = max(longest, len(w))
	}
	return func(c *batch.Column, first int64, n int, _ bool) {
		c.ReserveText(n * longest)
		dst, offs, used := c.Text(), c.Offsets()[1:n+1], 0
		for k := range offs {
			used += copy(dst[used:], list[pick(first+int64(k))])
			offs[k] = int32(used)
		}
		c.SetText(used)
		c.SetLen(n)
	}
}

func words(list ...string) filler { return salted(0, list...) }

func salted(salt uint64, list ...string) filler {
	return choice(list, func(i int64) int { return int(below(mix(i, salt), uint64(len(list)))) })
}

// dirtied makes every hundredth value or so null when dirt is wanted.
func dirtied(salt uint64, fill filler) filler {
	return func(c *batch.Column, first int64, n int, dirty bool) {
		fill(c, first, n, dirty)
		for k := 0; dirty && k < n; k++ {
			if below(mix(first+int64(k), salt), 50) == 0 {
				c.SetNull(k)
			}
		}
	}
}

// odd are texts that programs like to stumble over.
var odd = []string{"", " ", "  padded  ", "tab\there", "line\nbreak", `say "hi"`, "semi;colon, comma", "naïve café", "Zoë Ångström",
	"e\u0301 decomposed", "日本語", "مرحبا", "👩‍👩‍👧 family", "zero\u200bwidth", "NULL", "0012", "=1+1", "back\\slash", "' OR 1=1 --", "ﬁ ligature"}

// generated fills a text column by appending to a buffer. With dirt some values are odd ones, unless salt is 0.
func generated(salt uint64, text func(b []byte, i int64) []byte) filler {
	return func(c *batch.Column, first int64, n int, dirty bool) {
		var b []byte
		c.ReserveText(n * 24)
		for k := range n {
			i := first + int64(k)
			if x := mix(i, salt); dirty && salt > 0 && below(x, 40) == 0 {
				b = append(b[:0], odd[x%uint64(len(odd))]...)
			} else {
				b = text(b[:0], i)
			}
			c.AppendText(b)
		}
	}
}

func priceOf(product int64) int64 { return 199 + int64(below(mix(product, 40), 95_000)) }

func productOf(order int64) int64  { return int64(below(mix(order, 2), products)) }
func customerOf(order int64) int64 { return int64(below(mix(order, 1), customers)) }

var countries = []string{"de", "fr", "nl", "pl", "se", "es", "it", "gb", "us", "ch"}
var currencies = []string{"EUR", "EUR", "EUR", "PLN", "SEK", "EUR", "EUR", "GBP", "USD", "CHF"}

func countryOf(customer int64) int { return int(below(mix(customer, 20), uint64(len(countries)))) }

var firstNames = []string{"Anna", "Ben", "Chiara", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jan", "Katja", "Liam", "Mila", "Noah", "Olga", "Pablo"}
var lastNames = []string{"Andersson", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Hansen", "Ivanova", "Jansen", "Kowalski", "Lehmann", "Müller", "Novak", "O'Neil", "Petrov"}

func nameOf(i int64) (first, last string) {
	x := mix(i, 21)
	return firstNames[x%16], lastNames[x>>8%16]
}

var goods = []string{"Lamp", "Chair", "Desk", "Kettle", "Backpack", "Notebook", "Bottle", "Clock", "Scarf", "Speaker"}
var kinds = []string{"Home", "Home", "Office", "Kitchen", "Travel", "Office", "Travel", "Home", "Clothing", "Music"}
var colours = []string{"blue", "green", "red", "white", "black", "grey", "yellow"}

func goodOf(i int64) int { return int(below(mix(i, 41), uint64(len(goods)))) }

var text = flows.Of(flows.Text)

var datasets = map[string]*dataset{
	"orders":    {records: 10_000, columns: orderColumns()},
	"customers": {records: customers, columns: customerColumns()},
	"products":  {records: products, columns: productColumns()},
}

func orderColumns() []column {
	notes := []string{"", "gift wrap", "leave at the door", "call before delivery", "second attempt", "express"}
	return []column{
		field("order_id", flows.Of(flows.Int64), number[int64]),
		field("customer_id", flows.Of(flows.Int32), fixed(func(i int64) int32 { return int32(customerOf(i) + 1) })),
		field("product_id", flows.Of(flows.Int32), fixed(func(i int64) int32 { return int32(productOf(i) + 1) })),
		field("quantity", flows.Of(flows.Int32), dirtied(30, fixed(func(i int64) int32 { return int32(below(mix(i, 3), 20) + 1) }))),
		field("unit_price", flows.DecimalOf(10, 2), fixed(func(i int64) decimal128.Num { return decimal128.FromI64(priceOf(productOf(i))) })),
		field("currency", text, choice(currencies, func(i int64) int { return countryOf(customerOf(i)) })),
		field("country", text, dirtied(31, choice(countries, func(i int64) int { return countryOf(customerOf(i)) }))),
		field("status", text, salted(4, "new", "paid", "shipped", "shipped", "delivered", "delivered", "returned", "cancelled")),
		field("ordered_at", flows.Of(flows.Timestamp), dirtied(32, fixed(func(i int64) int64 {
			return (day*86_400 + int64(below(mix(i, 5), 365*86_400))) * 1_000_000
		}))),
		field("note", text, generated(33, func(b []byte, i int64) []byte { return append(b, notes[below(mix(i, 6), uint64(len(notes)))]...) })),
	}
}

func customerColumns() []column {
	return []column{
		field("customer_id", flows.Of(flows.Int32), number[int32]),
		field("name", text, generated(34, func(b []byte, i int64) []byte {
			first, last := nameOf(i)
			return append(append(append(b, first...), ' '), last...)
		})),
		field("email", text, dirtied(35, generated(0, func(b []byte, i int64) []byte {
			first, _ := nameOf(i)
			b = append(append(b, first...), '.')
			return append(strconv.AppendInt(b, i+1, 10), "@example.com"...)
		}))),
		field("country", text, choice(countries, countryOf)),
		field("segment", text, salted(22, "consumer", "consumer", "business", "public")),
		field("credit_limit", flows.DecimalOf(12, 2), dirtied(36, fixed(func(i int64) decimal128.Num {
			return decimal128.FromI64(int64(below(mix(i, 23), 200)) * 50_00)
		}))),
		field("active", flows.Of(flows.Boolean), flags(func(i int64) bool { return below(mix(i, 24), 10) > 0 })),
		field("created_on", flows.Of(flows.Date), fixed(func(i int64) int32 { return int32(day - int64(below(mix(i, 25), 2_000))) })),
	}
}

func productColumns() []column {
	return []column{
		field("product_id", flows.Of(flows.Int32), number[int32]),
		field("sku", text, generated(0, func(b []byte, i int64) []byte { return fmt.Appendf(b, "SP-%05d", i+1) })),
		field("name", text, generated(37, func(b []byte, i int64) []byte {
			return append(append(append(b, colours[mix(i, 42)%7]...), ' '), goods[goodOf(i)]...)
		})),
		field("category", text, choice(kinds, goodOf)),
		field("price", flows.DecimalOf(10, 2), fixed(func(i int64) decimal128.Num { return decimal128.FromI64(priceOf(i)) })),
		field("weight_kg", flows.Of(flows.Double), dirtied(38, fixed(func(i int64) float64 { return float64(below(mix(i, 43), 2_000)+1) / 100 }))),
		field("in_stock", flows.Of(flows.Boolean), flags(func(i int64) bool { return below(mix(i, 44), 5) > 0 })),
	}
}

func flags(value func(i int64) bool) filler {
	return func(c *batch.Column, first int64, n int, _ bool) {
		for k := range n {
			c.SetBit(k, value(first+int64(k)))
		}
		c.SetLen(n)
	}
}
