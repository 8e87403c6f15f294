// A node of Ergo 2 with the processes that tests/ergo/ asks: `ergo NODE EPMD_PORT COOKIE`. It ends with its standard input.
//
// echo: a server that answers what it is called with, after what it was sent last.
// saga: gives the value of a transaction back; "fail" cancels it; {next, Process, Node, Value} has another saga take part, whose result it gives.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/ergo-services/ergo"
	"github.com/ergo-services/ergo/etf"
	"github.com/ergo-services/ergo/gen"
	"github.com/ergo-services/ergo/node"
	"github.com/ergo-services/ergo/proto/dist"
)

func main() {
	port, err := strconv.Atoi(os.Args[2])
	must(err)
	options := node.Options{}
	options.System.DisableAnonMetrics = true
	options.Registrar = dist.CreateRegistrarWithLocalEPMD("127.0.0.1", uint16(port))
	it, err := ergo.StartNode(os.Args[1], os.Args[3], options)
	must(err)
	_, err = it.Spawn("echo", gen.ProcessOptions{}, &echo{})
	must(err)
	_, err = it.Spawn("saga", gen.ProcessOptions{}, &saga{})
	must(err)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

type echo struct {
	gen.Server
}

func (e *echo) HandleCall(process *gen.ServerProcess, from gen.ServerFrom, message etf.Term) (etf.Term, gen.ServerStatus) {
	return etf.Tuple{process.State, message}, gen.ServerStatusOK
}

func (e *echo) HandleInfo(process *gen.ServerProcess, message etf.Term) gen.ServerStatus {
	process.State = message
	return gen.ServerStatusOK
}

type saga struct {
	gen.Saga
}

func (s *saga) InitSaga(process *gen.SagaProcess, args ...etf.Term) (gen.SagaOptions, error) {
	return gen.SagaOptions{Worker: &worker{}}, nil
}

func (s *saga) HandleTxNew(process *gen.SagaProcess, id gen.SagaTransactionID, value interface{}) gen.SagaStatus {
	switch v := value.(type) {
	case etf.Atom:
		process.CancelTransaction(id, "not today")
		return gen.SagaStatusOK
	case etf.Tuple:
		next := gen.SagaNext{
			Saga:  gen.ProcessID{Name: string(v.Element(2).(etf.Atom)), Node: string(v.Element(3).(etf.Atom))},
			Value: v.Element(4),
		}
		if _, err := process.Next(id, next); err != nil {
			fmt.Println("next", err)
		}
		return gen.SagaStatusOK
	}
	fmt.Println("new", value)
	process.SendInterim(id, "half")
	process.StartJob(id, gen.SagaJobOptions{}, value)
	return gen.SagaStatusOK
}

func (s *saga) HandleTxResult(process *gen.SagaProcess, id gen.SagaTransactionID, from gen.SagaNextID, result interface{}) gen.SagaStatus {
	fmt.Println("result", result)
	process.SendResult(id, result)
	return gen.SagaStatusOK
}

func (s *saga) HandleTxDone(process *gen.SagaProcess, id gen.SagaTransactionID, result interface{}) (interface{}, gen.SagaStatus) {
	return "final", gen.SagaStatusOK
}

func (s *saga) HandleTxCancel(process *gen.SagaProcess, id gen.SagaTransactionID, reason string) gen.SagaStatus {
	fmt.Println("cancel", reason)
	return gen.SagaStatusOK
}

func (s *saga) HandleTxCommit(process *gen.SagaProcess, id gen.SagaTransactionID, final interface{}) gen.SagaStatus {
	fmt.Println("commit", final)
	return gen.SagaStatusOK
}

func (s *saga) HandleJobResult(process *gen.SagaProcess, id gen.SagaTransactionID, from gen.SagaJobID, result interface{}) gen.SagaStatus {
	process.SendResult(id, result)
	return gen.SagaStatusOK
}

// Starts a transaction of its own, with the value that it is sent.
func (s *saga) HandleSagaInfo(process *gen.SagaProcess, message etf.Term) gen.ServerStatus {
	fmt.Println("info", message)
	process.StartTransaction(gen.SagaTransactionOptions{TwoPhaseCommit: true}, message)
	return gen.ServerStatusOK
}

type worker struct {
	gen.SagaWorker
}

func (w *worker) HandleJobStart(process *gen.SagaWorkerProcess, job gen.SagaJob) error {
	return process.SendResult(job.Value)
}

func (w *worker) HandleJobCancel(process *gen.SagaWorkerProcess, reason string) {}
