// The comparison's programs for Ergo 2: `ergo2 WORKLOAD --unit UNIT --warm N --ms N [--far NODE] [--file PATH] [--count N]`,
// `ergo2 far NODE` is the other side, until its standard input ends.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/ergo-services/ergo"
	"github.com/ergo-services/ergo/etf"
	"github.com/ergo-services/ergo/gen"
	"github.com/ergo-services/ergo/lib"
	"github.com/ergo-services/ergo/node"
	"github.com/ergo-services/ergo/proto/dist"
)

const (
	pairs   = 120
	callers = 120
	senders = 100
)

// A mailbox that holds a whole batch: Ergo drops what finds a full one.
var mailbox = gen.ProcessOptions{MailboxSize: 65535}

func main() {
	name := os.Args[1]
	flags := flag.NewFlagSet("ergo2", flag.ExitOnError)
	unit := flags.String("unit", "/s", "")
	warm := flags.Float64("warm", 2000, "")
	ms := flags.Float64("ms", 500, "")
	far := flags.String("far", "", "")
	file := flags.String("file", "", "")
	count := flags.Int("count", 10000, "")
	if name == "far" {
		startFar(os.Args[2])
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin)
		return
	}
	must(flags.Parse(os.Args[2:]))
	switch {
	case name == "encode" || name == "decode":
		work, err := codec(name, *file)
		if err != nil {
			fmt.Printf("{\"name\":%q,\"skipped\":%q}\n", name, err.Error())
			return
		}
		report(name, *unit, *warm, *ms, work)
	case name == "memory server":
		print(name, *unit, memory(*count))
	case len(name) > 7 && name[:7] == "remote ":
		to := *far
		if to == "" {
			to = fmt.Sprintf("far_%d@localhost", os.Getpid())
			startFar(to)
		}
		report(name, *unit, *warm, *ms, remote(name[7:], to))
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

// The server of all measurements: `get`, {echo, Term}, and {seen, Count}, which is answered once so many messages have come.
type server struct {
	gen.Server
	seen, wanted int
	from         gen.ServerFrom
}

func (s *server) HandleCall(process *gen.ServerProcess, from gen.ServerFrom, message etf.Term) (etf.Term, gen.ServerStatus) {
	if request, ok := message.(etf.Tuple); ok {
		if request[0] == etf.Atom("echo") {
			return request[1], gen.ServerStatusOK
		}
		s.wanted, s.from = integer(request[1]), from
		s.check(process)
		return nil, gen.ServerStatusIgnore
	}
	return 5, gen.ServerStatusOK
}

func (s *server) HandleInfo(process *gen.ServerProcess, message etf.Term) gen.ServerStatus {
	s.seen++
	s.check(process)
	return gen.ServerStatusOK
}

func (s *server) check(process *gen.ServerProcess) {
	if s.wanted > 0 && s.seen >= s.wanted {
		s.seen, s.wanted = 0, 0
		process.SendReply(s.from, true)
	}
}

func integer(term etf.Term) int {
	value, err := strconv.Atoi(fmt.Sprint(term))
	must(err)
	return value
}

// A process that runs what it is given, because calls are made in a process's name.
type caller struct{ gen.Server }

type job func(process *gen.ServerProcess)

func (c *caller) HandleDirect(process *gen.ServerProcess, ref etf.Ref, message interface{}) (interface{}, gen.DirectStatus) {
	message.(job)(process)
	return nil, gen.DirectStatusOK
}

func startNode(name string) node.Node {
	options := node.Options{}
	options.System.DisableAnonMetrics = true
	if port, err := strconv.Atoi(os.Getenv("BENCH_EPMD_PORT")); err == nil {
		options.Registrar = dist.CreateRegistrarWithLocalEPMD("127.0.0.1", uint16(port))
	}
	started, err := ergo.StartNode(name, "bench", options)
	must(err)
	return started
}

func startFar(name string) {
	_, err := startNode(name).Spawn("far", mailbox, &server{})
	must(err)
}

func spawn(on node.Node, behavior gen.ProcessBehavior) gen.Process {
	process, err := on.Spawn("", mailbox, behavior)
	must(err)
	return process
}

func local(name string) work {
	near := startNode(fmt.Sprintf("near_%d@localhost", os.Getpid()))
	switch name {
	case "call":
		to, by := spawn(near, &server{}), spawn(near, &caller{})
		return whole(1000, func() { do(by, callMany(to.Self(), 1000)) })
	case "calls of pairs":
		var jobs []func()
		for i := 0; i < pairs; i++ {
			to, by := spawn(near, &server{}), spawn(near, &caller{})
			jobs = append(jobs, func() { do(by, callMany(to.Self(), 50)) })
		}
		return whole(pairs*50, func() { together(jobs) })
	case "send":
		to, by := spawn(near, &server{}), spawn(near, &caller{})
		return whole(20000, func() {
			do(by, sendMany(to.Self(), 20000))
			do(by, awaitSeen(to.Self(), 20000))
		})
	case "start":
		return func() (int, time.Duration) {
			var all []gen.Process
			began := time.Now()
			for i := 0; i < 500; i++ {
				process, err := near.Spawn("", gen.ProcessOptions{}, &server{})
				must(err)
				all = append(all, process)
			}
			took := time.Since(began)
			for _, process := range all {
				process.Kill()
				process.Wait()
			}
			return len(all), took
		}
	}
	panic("there is no workload " + name)
}

func remote(name, farNode string) work {
	near := startNode(fmt.Sprintf("near_%d@localhost", os.Getpid()))
	must(near.Connect(farNode))
	far := gen.ProcessID{Name: "far", Node: farNode}
	by := spawn(near, &caller{})
	switch name {
	case "call":
		return whole(200, func() { do(by, callMany(far, 200)) })
	case "call of 1 MB":
		megabyte := make([]byte, 1024*1024)
		return whole(5, func() {
			do(by, func(process *gen.ServerProcess) {
				for i := 0; i < 5; i++ {
					_, err := process.CallWithTimeout(far, etf.Tuple{etf.Atom("echo"), megabyte}, 60)
					must(err)
				}
			})
		})
	case "calls of many":
		var jobs []func()
		for i := 0; i < callers; i++ {
			by := spawn(near, &caller{})
			jobs = append(jobs, func() { do(by, callMany(far, 50)) })
		}
		return whole(callers*50, func() { together(jobs) })
	case "send":
		return whole(20000, func() {
			do(by, sendMany(far, 20000))
			do(by, awaitSeen(far, 20000))
		})
	case "send of many":
		var jobs []func()
		for i := 0; i < senders; i++ {
			by := spawn(near, &caller{})
			jobs = append(jobs, func() { do(by, sendMany(far, 200)) })
		}
		return whole(senders*200, func() {
			together(jobs)
			do(by, awaitSeen(far, senders*200))
		})
	}
	panic("there is no workload remote " + name)
}

func do(by gen.Process, run job) {
	_, err := by.DirectWithTimeout(run, 60)
	must(err)
}

func together(jobs []func()) {
	var all sync.WaitGroup
	for _, run := range jobs {
		all.Add(1)
		go func(run func()) {
			defer all.Done()
			run()
		}(run)
	}
	all.Wait()
}

func callMany(to interface{}, count int) job {
	return func(process *gen.ServerProcess) {
		for i := 0; i < count; i++ {
			_, err := process.CallWithTimeout(to, etf.Atom("get"), 60)
			must(err)
		}
	}
}

func sendMany(to interface{}, count int) job {
	return func(process *gen.ServerProcess) {
		for i := 0; i < count; i++ {
			// An error says that it is busy: then it is tried again.
			for process.Send(to, i) != nil {
				runtime.Gosched()
			}
		}
	}
}

func awaitSeen(to interface{}, count int) job {
	return func(process *gen.ServerProcess) {
		_, err := process.CallWithTimeout(to, etf.Tuple{etf.Atom("seen"), count}, 60)
		must(err)
	}
}

func memory(count int) float64 {
	near := startNode(fmt.Sprintf("near_%d@localhost", os.Getpid()))
	before := used()
	for i := 0; i < count; i++ {
		_, err := near.Spawn("", gen.ProcessOptions{}, &server{})
		must(err)
	}
	return float64(used()-before) / float64(count)
}

func used() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// Encodes or decodes a file of the corpus; the version byte is not Ergo's to read.
func codec(way, file string) (work, error) {
	bytes, err := os.ReadFile(file)
	must(err)
	term, _, err := etf.Decode(bytes[1:], nil, etf.DecodeOptions{FlagBigPidRef: true})
	if err != nil {
		return nil, fmt.Errorf("cannot decode this: %w", err)
	}
	options := etf.EncodeOptions{FlagBigPidRef: true, FlagBigCreation: true}
	buffer := lib.TakeBuffer()
	if err := etf.Encode(term, buffer, options); err != nil {
		return nil, fmt.Errorf("cannot encode this: %w", err)
	}
	rounds := 80000 / len(bytes)
	if rounds < 1 {
		rounds = 1
	}
	return whole(rounds, func() {
		for i := 0; i < rounds; i++ {
			if way == "encode" {
				buffer.Reset()
				err = etf.Encode(term, buffer, options)
			} else {
				_, _, err = etf.Decode(bytes[1:], nil, etf.DecodeOptions{FlagBigPidRef: true})
			}
			must(err)
		}
	}), nil
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
