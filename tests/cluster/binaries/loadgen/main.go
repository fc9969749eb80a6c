// Loadgen calls a webhook as kube-apiserver does: the same transport settings, no client-side limits, its own CPU.
// It prints one line of JSON: calls, errors, statuses and latencies in milliseconds.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"sync"
	"time"
)

type result struct {
	Calls    int            `json:"calls"`
	Errors   int            `json:"errors"`
	Statuses map[string]int `json:"statuses"`
	PerSec   float64        `json:"perSecond"`
	P50      float64        `json:"p50"`
	P95      float64        `json:"p95"`
	P99      float64        `json:"p99"`
	Max      float64        `json:"max"`
}

func main() {
	url := flag.String("url", "", "where to post")
	ca := flag.String("ca", "", "file of authorities")
	body := flag.String("body", "", "file with the review")
	workers := flag.Int("workers", 10, "calls under way at once")
	rate := flag.Float64("rate", 0, "calls per second, 0 for as many as possible")
	seconds := flag.Float64("seconds", 10, "how long")
	flag.Parse()
	client, payload := newClient(*ca), mustRead(*body)
	fmt.Println(toJSON(run(client, *url, payload, *workers, *rate, time.Duration(*seconds*float64(time.Second)))))
}

// newClient has the transport of the API server's webhook client: HTTP/1.1, 25 idle connections for 90 seconds.
func newClient(ca string) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(mustRead(ca))
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 25,
			IdleConnTimeout:     90 * time.Second,
		},
	}
}

type call struct {
	status string
	took   time.Duration
}

func run(client *http.Client, url string, body []byte, workers int, rate float64, lasting time.Duration) result {
	room := 0 // without a rate nobody queues: a ticket is taken when it is issued
	if rate > 0 {
		room = 1 << 16
	}
	tickets := make(chan time.Time, room)
	calls := make(chan call, 1<<12)
	go issue(tickets, rate, lasting)
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for due := range tickets {
				calls <- post(client, url, body, due)
			}
		}()
	}
	go func() { group.Wait(); close(calls) }()
	return gather(calls, lasting)
}

// issue hands out one ticket a call. With a rate a ticket is its due time: waiting for a worker counts as latency.
func issue(tickets chan<- time.Time, rate float64, lasting time.Duration) {
	defer close(tickets)
	start := time.Now()
	for number := 0; time.Since(start) < lasting; number++ {
		if rate == 0 {
			tickets <- time.Time{}
			continue
		}
		due := start.Add(time.Duration(float64(number) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		tickets <- due
	}
}

func post(client *http.Client, url string, body []byte, due time.Time) call {
	start := due
	if start.IsZero() {
		start = time.Now()
	}
	request, _ := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	reply, err := client.Do(request)
	if err != nil {
		return call{"error", time.Since(start)}
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return call{"error", time.Since(start)}
	}
	return call{fmt.Sprint(reply.StatusCode), time.Since(start)}
}

func gather(calls <-chan call, lasting time.Duration) result {
	made := result{Statuses: map[string]int{}}
	var took []float64
	for c := range calls {
		made.Calls++
		made.Statuses[c.status]++
		if c.status != "200" {
			made.Errors++
		}
		took = append(took, float64(c.took.Microseconds())/1000)
	}
	sort.Float64s(took)
	at := func(share float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return took[min(len(took)-1, int(share*float64(len(took))))]
	}
	made.PerSec = float64(made.Calls) / lasting.Seconds()
	made.P50, made.P95, made.P99, made.Max = at(0.50), at(0.95), at(0.99), at(1)
	return made
}

func mustRead(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return content
}

func toJSON(made result) string {
	text, _ := json.Marshal(made)
	return string(text)
}
