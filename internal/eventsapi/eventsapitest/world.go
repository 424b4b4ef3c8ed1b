// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The people and things of an account, each with its JSON made beforehand.

package eventsapitest

import (
	"fmt"
	"strings"
)

type world struct {
	account    string
	people     []person // members, then external users, then service accounts
	members    int      // how many of them are people of the account
	vaults     []string
	items      []string
	groups     []string
	integrated []string // service account uuids
}

type person struct {
	uuid     string
	external string // home account of an external user
	details  string // {"uuid","name","email"}
	user     string // the same with the type, as v2 has it
	email    string
	home     int // index in places
	v4, v6   string
	host     string // name of the computer
	device   string
	phone    string // another device
}

const (
	vaultCount = 40
	itemCount  = 500
	groupCount = 15
)

func newWorld(key uint64, account, userTypeKey string) *world {
	r := rng(key)
	id := func(alphabet string) string { return string(appendID(nil, &r, alphabet)) }
	w := &world{account: account, members: len(names)}
	for i, n := range names {
		domain := [...]string{"example.com", "example.org"}[i%2]
		w.addPerson(&r, n.name, n.local+"@"+domain, "", userTypeKey)
	}
	for i, n := range externals {
		w.addPerson(&r, n.name, n.local+"@msp.example.net", id(upper), userTypeKey)
		w.people[len(w.people)-1].home = i
	}
	for _, name := range serviceAccounts {
		w.addPerson(&r, name, id(lower)[:13]+"@1passwordserviceaccounts.com", "", userTypeKey)
		w.integrated = append(w.integrated, w.people[len(w.people)-1].uuid)
	}
	for range vaultCount {
		w.vaults = append(w.vaults, id(lower))
	}
	for range itemCount {
		w.items = append(w.items, id(lower))
	}
	for range groupCount {
		w.groups = append(w.groups, id(lower))
	}
	return w
}

func (w *world) addPerson(r *rng, name, email, external, userTypeKey string) {
	n := len(w.people)
	p := person{
		uuid:     string(appendID(nil, r, upper)),
		external: external,
		email:    email,
		home:     r.n(len(places)),
		v4:       fmt.Sprintf("%s.%d", testNets[n%len(testNets)], n+2),
		v6:       fmt.Sprintf("2001:db8:%x:%x::%x", 0x100+n, r.n(0xffff), 1+r.n(0xffff)),
		host:     hostName(n, email),
		device:   string(appendID(nil, r, lower)),
		phone:    string(appendID(nil, r, lower)),
	}
	if n%9 == 4 { // the API also writes addresses in full
		p.v6 = fmt.Sprintf("2001:0db8:85a3:0000:0000:8a2e:0370:%04x", n)
	}
	b := appendString([]byte(`{"uuid":`), p.uuid)
	b = appendString(append(b, `,"name":`...), name)
	b = appendString(append(b, `,"email":`...), email)
	p.details, p.user = string(b)+"}", string(b)
	userType := "user"
	if external != "" {
		userType = "external_user"
	}
	p.user += fmt.Sprintf(`,%q:%q`, userTypeKey, userType)
	if external != "" {
		p.user += fmt.Sprintf(`,"user_account_uuid":%q`, external)
	}
	p.user += "}"
	w.people = append(w.people, p)
}

// hostName is a computer's name in one of the styles that people and fleets use.
func hostName(n int, email string) string {
	local, _, _ := strings.Cut(email, "@")
	first, _, _ := strings.Cut(local, ".")
	switch n % 4 {
	case 0:
		return first + "-mbp"
	case 1:
		return fmt.Sprintf("LAPTOP-%04d", 4100+37*n)
	case 2:
		return fmt.Sprintf("US - C02EX%03dMD6", n)
	default:
		return "ws-" + first + ".corp.example.com"
	}
}

// The ranges that RFC 5737 sets aside for documentation.
var testNets = [...]string{"192.0.2", "198.51.100", "203.0.113"}
