package requests

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// estimate returns how long the upgrade of so many bytes may take, from those that are
// done: the median of the five that are nearest in size. It is 0 where none is done.
func (s *Store) estimate(bytes int64) time.Duration {
	list := slices.DeleteFunc(s.List(), func(r Record) bool { return !r.IsUpgraded() || r.Started.IsZero() })
	distance := func(r Record) float64 { return math.Abs(math.Log(float64(1+r.Bytes)) - math.Log(float64(1+bytes))) }
	slices.SortStableFunc(list, func(a, b Record) int { return cmp.Compare(distance(a), distance(b)) })
	list = list[:min(len(list), 5)]
	if len(list) == 0 {
		return 0
	}
	took := func(r Record) time.Duration { return r.Ended.Sub(r.Started) }
	slices.SortFunc(list, func(a, b Record) int { return cmp.Compare(took(a), took(b)) })
	return took(list[len(list)/2])
}
