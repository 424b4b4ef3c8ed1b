// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command packaging makes the release's artefacts of binaries that are built already. It is a module of its own, which
// keeps the packagers' dependencies out of the beat. What an artefact contains is declared in nfpm.yaml (deb, rpm) and
// in the other files of this package; the same inputs make the same bytes.
//
//	packaging make -binaries build/binaries -out build/distributions -version 1.2.3 -time 1767225600 -elastic FILE
//	packaging sums build/distributions [minisign key]
//
// It runs in the root of the repository. Each folder below -binaries is named GOOS-GOARCH, or GOOS-GOARCH-oss for a
// binary without code under Elastic's licences, and holds the binary.
//
//	main.go      the command line
//	release.go   what a release is, and the order in which its artefacts are made
//	tree.go      files with names, modes and one time; tar.gz and zip
//	linux.go     deb and rpm
//	image.go     the OCI image
//	notice.go    the notice of the oss variant
//	sums.go      SHA512SUMS and its signature
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		os.Exit(1)
	}
}

const usage = `usage:
	packaging make -binaries DIR -out DIR -version V -time SECONDS -elastic FILE [-packages-only]
	packaging sums DIR [KEY]   write SHA512SUMS, signed by minisign if there is a key`

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) > 0 && args[0] == "make":
		r, err := parse(args[1:])
		if err != nil {
			return err
		}
		return r.make()
	case len(args) == 2 && args[0] == "sums":
		return writeSums(ctx, args[1], "")
	case len(args) == 3 && args[0] == "sums":
		return writeSums(ctx, args[1], args[2])
	default:
		return errors.New(usage)
	}
}

func parse(args []string) (release, error) {
	var r release
	var seconds int64
	f := flag.NewFlagSet("packaging make", flag.ContinueOnError)
	f.StringVar(&r.binaries, "binaries", "", "folder of the binaries")
	f.StringVar(&r.out, "out", "", "folder of the artefacts")
	f.StringVar(&r.version, "version", "", "version of the beat")
	f.StringVar(&r.elastic, "elastic", "", "file with the Elastic License 2.0")
	f.BoolVar(&r.packagesOnly, "packages-only", false, "make nothing but the deb and the rpm")
	f.Int64Var(&seconds, "time", 0, "time of every file, in seconds since 1970")
	if err := f.Parse(args); err != nil {
		return r, err
	}
	if r.binaries == "" || r.out == "" || r.version == "" || r.elastic == "" || seconds == 0 || f.NArg() > 0 {
		return r, errors.New(usage)
	}
	r.time = time.Unix(seconds, 0).UTC()
	return r, nil
}
