// Reads Compose files with the library that Docker Compose reads them with, for machines without Docker Compose:
//
//	go run . docker-compose.yml deploy/external-temporal.yml
//
// Ends with 1 and says why when together they are not valid.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := load(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(files []string) error {
	options, err := cli.NewProjectOptions(files, cli.WithOsEnv, cli.WithName("pigeonpost"))
	if err != nil {
		return err
	}
	_, err = options.LoadProject(context.Background())
	return err
}
