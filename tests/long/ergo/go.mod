module interop/ergo

go 1.17

require github.com/ergo-services/ergo v1.999.224
