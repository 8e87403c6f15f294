// The comparison's programs for Ergo 3, by its own protocol: `ergo3 WORKLOAD --unit UNIT --warm N --ms N [--far NODE] [--count N]`,
// `ergo3 far NODE` is the other side, until its standard input ends.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"ergo.services/ergo"
	"ergo.services/ergo/act"
	"ergo.services/ergo/gen"
	"ergo.services/ergo/net/registrar"
)

const (
	pairs   = 120
	callers = 120
	senders = 100
	patient = 60 // seconds
)

func main() {
	name := os.Args[1]
	if name == "far" {
		startFar(os.Args[2])
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin)
		return
	}
	flags := flag.NewFlagSet("ergo3", flag.ExitOnError)
	unit := flags.String("unit", "/s", "")
	warm := flags.Float64("warm", 2000, "")
	ms := flags.Float64("ms", 500, "")
	far := flags.String("far", "", "")
	count := flags.Int("count", 10000, "")
	must(flags.Parse(os.Args[2:]))
	switch {
	case name == "memory server":
		print(name, *unit, memory(*count))
	case strings.HasPrefix(name, "remote "):
		to := *far
		if to == "" {
			to = fmt.Sprintf("far_%d@localhost", os.Getpid())
			startFar(to)
		}
		report(name, *unit, *warm, *ms, remote(strings.TrimPrefix(name, "remote "), gen.Atom(to)))
	default:
		report(name, *unit, *warm, *ms, local(name))
	}
}

// Gives how often it did its thing, and how long that took.
type work func() (int, time.Duration)

// What the first `warm` milliseconds give does not count.
func report(name, unit string, warm, ms float64, run work) {
	repeat(run, warm)
	count, took := repeat(run, ms)
	if unit == "us" {
		print(name, unit, float64(took.Nanoseconds())/1000/float64(count))
	} else {
		print(name, unit, float64(count)/took.Seconds())
	}
}

func repeat(run work, ms float64) (count int, took time.Duration) {
	for took.Seconds()*1000 < ms || count == 0 {
		n, t := run()
		count += n
		took += t
	}
	return count, took
}

// All of the work's time counts.
func whole(count int, run func()) work {
	return func() (int, time.Duration) {
		began := time.Now()
		run()
		return count, time.Since(began)
	}
}

func print(name, unit string, value float64) {
	fmt.Printf("{\"name\":%q,\"value\":%f,\"unit\":%q}\n", name, value, unit)
}

// The server of all measurements: "get", bytes, which come back, and a number, which is answered once so many messages have come.
type server struct {
	act.Actor
	seen, wanted int
	from         gen.PID
	ref          gen.Ref
}

func newServer() gen.ProcessBehavior { return &server{} }

func (s *server) HandleCall(from gen.PID, ref gen.Ref, request any) (any, error) {
	switch request := request.(type) {
	case []byte:
		return request, nil
	case int:
		s.wanted, s.from, s.ref = request, from, ref
		s.check()
		return nil, nil
	}
	return 5, nil
}

func (s *server) HandleMessage(from gen.PID, message any) error {
	s.seen++
	s.check()
	return nil
}

func (s *server) check() {
	if s.wanted > 0 && s.seen >= s.wanted {
		s.seen, s.wanted = 0, 0
		s.SendResponse(s.from, s.ref, true)
	}
}

// A process that runs what it is sent, because calls are made in a process's name.
type caller struct{ act.Actor }

type job struct {
	run  func(process gen.Process)
	done chan struct{}
}

func newCaller() gen.ProcessBehavior { return &caller{} }

func (c *caller) HandleMessage(from gen.PID, message any) error {
	it := message.(job)
	it.run(c.Process)
	close(it.done)
	return nil
}

func startNode(name string) gen.Node {
	options := gen.NodeOptions{}
	options.Network.Cookie = "bench"
	options.Log.DefaultLogger.Disable = true
	options.Env = map[gen.Env]any{"disable_metrics": true}
	if port, err := strconv.Atoi(os.Getenv("BENCH_EPMD_PORT")); err == nil {
		// A registrar of its own, which is not EPMD, beside that port.
		options.Network.Registrar = registrar.Create(registrar.Options{Port: uint16(port - 1)})
	}
	node, err := ergo.StartNode(gen.Atom(name), options)
	must(err)
	return node
}

func startFar(name string) {
	_, err := startNode(name).SpawnRegister("far", newServer, gen.ProcessOptions{})
	must(err)
}

func spawn(node gen.Node, factory gen.ProcessFactory) gen.PID {
	pid, err := node.Spawn(factory, gen.ProcessOptions{})
	must(err)
	return pid
}

// Starts jobs, each in the name of its process, and waits for all of them.
func together(node gen.Node, by []gen.PID, run func(i int, process gen.Process)) {
	var started []job
	for i, pid := range by {
		i := i
		it := job{func(process gen.Process) { run(i, process) }, make(chan struct{})}
		must(node.Send(pid, it))
		started = append(started, it)
	}
	for _, it := range started {
		<-it.done
	}
}

func do(node gen.Node, by gen.PID, run func(process gen.Process)) {
	together(node, []gen.PID{by}, func(_ int, process gen.Process) { run(process) })
}

func many(node gen.Node, count int, factory gen.ProcessFactory) []gen.PID {
	var all []gen.PID
	for i := 0; i < count; i++ {
		all = append(all, spawn(node, factory))
	}
	return all
}

func local(name string) work {
	near := startNode(fmt.Sprintf("near_%d@localhost", os.Getpid()))
	switch name {
	case "call":
		to, by := spawn(near, newServer), spawn(near, newCaller)
		return whole(1000, func() { do(near, by, callMany(to, 1000)) })
	case "calls of pairs":
		to, by := many(near, pairs, newServer), many(near, pairs, newCaller)
		return whole(pairs*50, func() {
			together(near, by, func(i int, process gen.Process) { callMany(to[i], 50)(process) })
		})
	case "send":
		to, by := spawn(near, newServer), spawn(near, newCaller)
		return whole(20000, func() {
			do(near, by, sendMany(to, 20000))
			do(near, by, awaitSeen(to, 20000))
		})
	case "start":
		return func() (int, time.Duration) {
			began := time.Now()
			all := many(near, 500, newServer)
			took := time.Since(began)
			for _, pid := range all {
				near.Kill(pid)
			}
			return len(all), took
		}
	}
	panic("there is no workload " + name)
}

func remote(name string, farNode gen.Atom) work {
	near := startNode(fmt.Sprintf("near_%d@localhost", os.Getpid()))
	_, err := near.Network().GetNode(farNode)
	must(err)
	far := gen.ProcessID{Name: "far", Node: farNode}
	switch name {
	case "call":
		by := spawn(near, newCaller)
		return whole(200, func() { do(near, by, callMany(far, 200)) })
	case "call of 1 MB":
		by, megabyte := spawn(near, newCaller), make([]byte, 1024*1024)
		return whole(5, func() {
			do(near, by, func(process gen.Process) {
				for i := 0; i < 5; i++ {
					_, err := process.CallWithTimeout(far, megabyte, patient)
					must(err)
				}
			})
		})
	case "calls of many":
		by := many(near, callers, newCaller)
		return whole(callers*50, func() {
			together(near, by, func(_ int, process gen.Process) { callMany(far, 50)(process) })
		})
	case "send":
		by := spawn(near, newCaller)
		return whole(20000, func() {
			do(near, by, sendMany(far, 20000))
			do(near, by, awaitSeen(far, 20000))
		})
	case "send of many":
		by := many(near, senders, newCaller)
		return whole(senders*200, func() {
			together(near, by, func(_ int, process gen.Process) { sendMany(far, 200)(process) })
			do(near, by[0], awaitSeen(far, senders*200))
		})
	}
	panic("there is no workload remote " + name)
}

func callMany(to any, count int) func(gen.Process) {
	return func(process gen.Process) {
		for i := 0; i < count; i++ {
			_, err := process.CallWithTimeout(to, "get", patient)
			must(err)
		}
	}
}

func sendMany(to any, count int) func(gen.Process) {
	return func(process gen.Process) {
		for i := 0; i < count; i++ {
			must(process.Send(to, i))
		}
	}
}

func awaitSeen(to any, count int) func(gen.Process) {
	return func(process gen.Process) {
		_, err := process.CallWithTimeout(to, count, patient)
		must(err)
	}
}

func memory(count int) float64 {
	near := startNode(fmt.Sprintf("near_%d@localhost", os.Getpid()))
	before := used()
	many(near, count, newServer)
	return float64(used()-before) / float64(count)
}

func used() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
