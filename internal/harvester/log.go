// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A limit for log messages: what a server sends must not fill the disk.

package harvester

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/elastic/elastic-agent-libs/logp"
)

const (
	// logBurst is how many messages of a class are logged at once.
	logBurst = 5
	// logEvery is how often a class may log once its burst is used up.
	logEvery = time.Minute
)

// limitedLog logs with a limit per class of messages. It is safe for concurrent use.
type limitedLog struct {
	*logp.Logger
	mu      sync.Mutex
	classes map[string]*logClass
}

type logClass struct {
	limit      *rate.Limiter
	suppressed int
}

func newLimitedLog(log *logp.Logger) *limitedLog {
	return &limitedLog{Logger: log, classes: map[string]*logClass{}}
}

// errorw and warnw log one message of a class, with the number of those that were left out before it.
func (l *limitedLog) errorw(class, msg string, fields ...any) { l.log(l.Errorw, class, msg, fields) }
func (l *limitedLog) warnw(class, msg string, fields ...any)  { l.log(l.Warnw, class, msg, fields) }

func (l *limitedLog) log(to func(string, ...any), class, msg string, fields []any) {
	l.mu.Lock()
	c := l.classes[class]
	if c == nil {
		c = &logClass{limit: rate.NewLimiter(rate.Every(logEvery), logBurst)}
		l.classes[class] = c
	}
	if !c.limit.Allow() {
		c.suppressed++
		l.mu.Unlock()
		return
	}
	if c.suppressed > 0 {
		fields = append(fields, "suppressed", c.suppressed)
		c.suppressed = 0
	}
	l.mu.Unlock()
	to(msg, fields...)
}
