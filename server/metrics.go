package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics shows.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	viewers  prometheus.Gauge
	messages prometheus.Counter
	dropped  *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "spark_http_requests_total", Help: "Requests by route and status."}, []string{"route", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "spark_http_request_seconds", Help: "Time to answer, by route.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}, []string{"route"}),
		viewers:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "spark_live_viewers", Help: "Open WebSockets."}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{Name: "spark_live_messages_total", Help: "Messages written to WebSockets."}),
		dropped:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "spark_live_dropped_total", Help: "WebSockets closed by the server, by reason."}, []string{"reason"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests, m.seconds, m.viewers, m.messages, m.dropped)
	return m
}

func (m *metrics) request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

func (s *Server) showMetrics(c *call) error {
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(http.ResponseWriter(c.Response()), c.Request())
	return nil
}
