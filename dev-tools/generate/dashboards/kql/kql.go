// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package kql reads the part of the Kibana Query Language that the dashboards use and says what Elasticsearch is asked
// for it: and, or, not, parentheses, field: value, field: (a or b), field: "phrase", field: prefix*, field: *.
// What it does not know is an error, so a query that it takes is one that the tests have run.
package kql

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Query is a parsed query.
type Query struct{ root node }

// Parse reads a query. The empty one matches everything.
func Parse(text string) (Query, error) {
	tokens, err := lex(text)
	if err != nil || len(tokens) == 0 {
		return Query{}, err
	}
	p := &parser{tokens: tokens}
	n, err := p.or(p.clause)
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q was not expected", p.tokens[0].text)
	}
	if err != nil {
		return Query{}, fmt.Errorf("in the query %s: %w", text, err)
	}
	return Query{n}, nil
}

// DSL is the query for the search API.
func (q Query) DSL() map[string]any {
	if q.root == nil {
		return object{"match_all": object{}}
	}
	return q.root.dsl()
}

// Fields are the names of the fields that the query asks for.
func (q Query) Fields() []string {
	var names []string
	if q.root != nil {
		q.root.fields(func(name string) { names = append(names, name) })
	}
	return names
}

// Match says whether the query holds for a document whose keywords are these, by dotted names.
func (q Query) Match(document map[string]string) bool { return q.root == nil || q.root.match(document) }

type object = map[string]any

type node interface {
	dsl() object
	fields(func(string))
	match(map[string]string) bool
}

type (
	all   []node // and
	some  []node // or
	none  struct{ of node }
	value struct {
		field, text string
		quoted      bool
	}
)

func (n all) dsl() object { return object{"bool": object{"filter": each(n)}} }
func (n some) dsl() object {
	return object{"bool": object{"should": each(n), "minimum_should_match": 1}}
}
func (n none) dsl() object { return object{"bool": object{"must_not": []any{n.of.dsl()}}} }

func each(nodes []node) []any {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		out[i] = n.dsl()
	}
	return out
}

func (n value) dsl() object {
	switch {
	case n.quoted:
		return object{"match_phrase": object{n.field: n.text}}
	case n.text == "*":
		return object{"exists": object{"field": n.field}}
	case strings.Contains(n.text, "*"):
		return object{"wildcard": object{n.field: object{"value": n.text}}}
	default:
		return object{"match": object{n.field: n.text}}
	}
}

func (n all) match(document map[string]string) bool {
	return !slices.ContainsFunc(n, func(one node) bool { return !one.match(document) })
}

func (n some) match(document map[string]string) bool {
	return slices.ContainsFunc(n, func(one node) bool { return one.match(document) })
}

func (n none) match(document map[string]string) bool { return !n.of.match(document) }

func (n value) match(document map[string]string) bool {
	have, ok := document[n.field]
	if n.quoted || !strings.Contains(n.text, "*") {
		return ok && have == n.text
	}
	matched, err := path.Match(n.text, have) // values have no slashes
	return ok && err == nil && matched
}

func (n all) fields(see func(string))   { eachField(n, see) }
func (n some) fields(see func(string))  { eachField(n, see) }
func (n none) fields(see func(string))  { n.of.fields(see) }
func (n value) fields(see func(string)) { see(n.field) }

func eachField(nodes []node, see func(string)) {
	for _, n := range nodes {
		n.fields(see)
	}
}

type token struct {
	text   string
	quoted bool
}

func (t token) is(word string) bool { return !t.quoted && strings.EqualFold(t.text, word) }

func lex(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ', '\n', '\t':
			i++
		case '(', ')', ':':
			tokens = append(tokens, token{text: string(c)})
			i++
		case '"':
			end := strings.IndexByte(text[i+1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("in the query %s: a quotation mark is not closed", text)
			}
			tokens = append(tokens, token{text[i+1 : i+1+end], true})
			i += end + 2
		default:
			n := strings.IndexAny(text[i:], " \n\t():\"")
			if n < 0 {
				n = len(text) - i
			}
			if strings.ContainsAny(text[i:i+n], `<>\{}`) {
				return nil, fmt.Errorf("in the query %s: %q is not among what is known", text, text[i:i+n])
			}
			tokens = append(tokens, token{text: text[i : i+n]})
			i += n
		}
	}
	return tokens, nil
}

type parser struct{ tokens []token }

// take removes the next token if it is the word.
func (p *parser) take(word string) bool {
	if len(p.tokens) == 0 || !p.tokens[0].is(word) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

// or reads operands joined by or, each of which may be operands joined by and, which binds tighter.
func (p *parser) or(operand func() (node, error)) (node, error) {
	nodes, err := p.list("or", func() (node, error) {
		nodes, err := p.list("and", func() (node, error) { return p.not(operand) })
		return oneOr(nodes, func() node { return all(nodes) }), err
	})
	return oneOr(nodes, func() node { return some(nodes) }), err
}

func oneOr(nodes []node, several func() node) node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	return several()
}

func (p *parser) list(word string, operand func() (node, error)) ([]node, error) {
	var nodes []node
	for {
		n, err := operand()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		if !p.take(word) {
			return nodes, nil
		}
	}
}

func (p *parser) not(operand func() (node, error)) (node, error) {
	if p.take("not") {
		n, err := p.not(operand)
		return none{n}, err
	}
	if !p.take("(") {
		return operand()
	}
	n, err := p.or(operand)
	if err == nil && !p.take(")") {
		err = fmt.Errorf("a parenthesis is not closed")
	}
	return n, err
}

// clause reads field: value or field: (values).
func (p *parser) clause() (node, error) {
	field, err := p.word()
	if err != nil {
		return nil, err
	}
	if !p.take(":") {
		return nil, fmt.Errorf("%q is followed by no colon", field.text)
	}
	return p.not(func() (node, error) {
		t, err := p.word()
		return value{field.text, t.text, t.quoted}, err
	})
}

func (p *parser) word() (token, error) {
	if len(p.tokens) == 0 {
		return token{}, fmt.Errorf("it ends too early")
	}
	t := p.tokens[0]
	for _, reserved := range []string{"(", ")", ":", "and", "or", "not"} {
		if t.is(reserved) {
			return token{}, fmt.Errorf("%q was not expected", t.text)
		}
	}
	p.tokens = p.tokens[1:]
	return t, nil
}
