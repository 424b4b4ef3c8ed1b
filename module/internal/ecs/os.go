// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Operating systems: the ECS os.type of what the API calls os_name.

package ecs

import "strings"

// The values that ECS has for os.type.
const (
	osAndroid = "android"
	osIOS     = "ios"
	osLinux   = "linux"
	osMacOS   = "macos"
	osUnix    = "unix"
	osWindows = "windows"
)

// osNames gives the type by the words that a name begins with: at most maxOSWords of them, and a number behind the last
// one does not count. The distributions of Linux are the ids that they give themselves in /etc/os-release, the others
// the systems that Go knows (GOOS) and their kin.
var osNames = oneByOne(map[string]string{
	osMacOS:   "mac|macos|macosx|macintosh|osx|os x|darwin|hackintosh",
	osIOS:     "ios|ipados|iphone|ipad|ipod",
	osAndroid: "android|calyxos|fire os|fireos|graphene os|grapheneos|lineage os|lineageos|wear os|wearos",
	osWindows: "windows|win|winnt",
	osUnix: "aix|bsd|dragonfly|freebsd|ghostbsd|hardenedbsd|hp ux|hpux|illumos|irix|midnightbsd|netbsd|nomadbsd|omnios|openbsd|" +
		"openindiana|oracle solaris|qnx|smartos|solaris|sunos|tru64|unix",
	osLinux: "linux|gnu|alma|almalinux|alpine|alt|altlinux|amazon|amzn|antergos|antix|arch|archarm|archlinux|arco|arcolinux|artix|asahi|" +
		"astra|azurelinux|bazzite|bluefin|bodhi|bottlerocket|cachyos|centos|chrome os|chromeos|chromium os|clear linux|container optimized|" +
		"coreos|cos|cros|crostini|crunchbang|debian|deepin|devuan|elementary|endeavouros|eurolinux|fedora|flatcar|funtoo|garuda|gentoo|guix|" +
		"kali|kaos|kde neon|kubuntu|linuxmint|lubuntu|mageia|manjaro|mariner|mint|miracle|mx|neon|nitrux|nixos|nobara|ol|openeuler|" +
		"openmandriva|opensuse|opensuse leap|opensuse tumbleweed|openwrt|oracle|parabola|parrot|pclinuxos|peppermint|photon|pop|pop os|" +
		"postmarketos|puppy|pureos|qubes|raspberry pi|raspbian|red hat|redhat|rhel|rocky|rosa|sabayon|sailfish|scientific|slackware|sled|" +
		"sles|solus|sparky|steamos|suse|tails|talos|tizen|trisquel|tuxedo|ubuntu|ultramarine|univention|vanilla|virtuozzo|void|webos|" +
		"wolfi|xubuntu|zorin",
})

const maxOSWords = 2

// osParts gives the type by a part anywhere in a name, where its beginning says nothing. The first that fits counts.
var osParts = [][2]string{{"windows", osWindows}, {"linux", osLinux}, {"ubuntu", osLinux}, {"bsd", osUnix}, {"mac", osMacOS}, {"os x", osMacOS}}

// osSeen are the names that 1Password's apps send, so that they need no comparison of words.
var osSeen = func() map[string]string {
	seen := map[string]string{}
	for _, name := range []string{"MacOSX", "macOS", "Windows", "Windows 10", "Windows 11", "Linux", "Android", "iOS", "iPadOS"} {
		seen[name] = osTypeByWords(name)
	}
	return seen
}()

func oneByOne(byKind map[string]string) map[string]string {
	all := map[string]string{}
	for kind, names := range byKind {
		for name := range strings.SplitSeq(names, "|") {
			all[name] = kind
		}
	}
	return all
}

// osType is the ECS os.type of a name, or "" if it is not known.
func osType(name string) string {
	if kind, ok := osSeen[name]; ok {
		return kind
	}
	return osTypeByWords(name)
}

func osTypeByWords(name string) string {
	all := words(name)
	for n := min(maxOSWords, len(all)); n > 0; n-- {
		text := strings.Join(all[:n], " ")
		if kind, ok := osNames[text]; ok {
			return kind
		}
		if kind, ok := osNames[strings.TrimRight(text, "0123456789 ")]; ok {
			return kind
		}
	}
	text := strings.Join(all, " ")
	for _, t := range osParts {
		if strings.Contains(text, t[0]) {
			return t[1]
		}
	}
	return ""
}
