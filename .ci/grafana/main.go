// Command grafana prints what Grafana's schema does not allow in a dashboard: fields that are missing, unknown or of another
// type, one in a line. Its argument is the path of the dashboard.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	// Without these, the options of panels and queries are not looked at.
	plugins.RegisterDefaultPlugins()
	var read dashboard.Dashboard
	report(read.UnmarshalJSONStrict(text))
	report(read.Validate())
}

// Prints each error in a line; without any, the SDK returns an empty list that is not nil.
func report(err error) {
	if err != nil && err.Error() != "" {
		fmt.Println(err)
	}
}
