// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The modules of the tests of the integration package's cel input.

package mage

// CelModules are tests/cel, which links Filebeat's cel input under the Elastic License
// 2.0, and the module below it, which needs an older release of the same library.
var CelModules = []string{"tests/cel", "tests/cel/oldest"}
