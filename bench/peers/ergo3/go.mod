module bench/ergo3

go 1.20

require ergo.services/ergo v1.999.310
