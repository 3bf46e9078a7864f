package main

import "context"

// figures are measured in this order.
func figures() []Figure {
	return []Figure{
		{Name: "version", Unit: "ms", Goal: goal(100), Better: Lower, Run: version},
	}
}

func goal(v float64) *float64 { return &v }

// version is the time the program needs to start and to end: the least that any command costs.
func version(ctx context.Context, b *Bench) (float64, *float64, error) {
	var times []float64
	for range 10 {
		u, err := b.TimeCommand(ctx, b.Spark, "version")
		if err != nil {
			return 0, nil, err
		}
		times = append(times, 1000*u.Wall.Seconds())
	}
	return median(times), nil, nil
}
